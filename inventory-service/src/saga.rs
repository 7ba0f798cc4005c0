//! This service's part in the saga: what it listens to, and which rule of `domain` each thing leads to.

use chrono::TimeDelta;
use events::ReleaseReason;
use saga::{Consequences, Delivery, Participant, Verdict, answer};
use serde::Deserialize;

use crate::{
    domain::{AdjustStock, OrderCreated, PutProduct},
    store::Stock,
};

pub struct InventorySaga {
    /// How long an order that is not confirmed keeps its stock before that is reported.
    pub hold_for: TimeDelta,
    /// A product with so many units or fewer is running low.
    pub low_stock: i64,
}

/// Everything that comes in. Names of events and reminders are stored and sent: never rename.
#[derive(Debug, Deserialize)]
pub enum Input {
    // events
    #[serde(rename = "OrderCreated.v1")]
    OrderCreated(OrderCreated),
    #[serde(rename = "OrderConfirmed.v1")]
    OrderConfirmed,
    #[serde(rename = "OrderShipped.v1")]
    OrderShipped,
    #[serde(rename = "OrderCancelled.v1")]
    OrderCancelled,
    #[serde(rename = "PaymentFailed.v1")]
    PaymentFailed,
    // reminders
    ReservationDue,
    // commands
    #[serde(skip)]
    PutProduct(PutProduct),
    #[serde(skip)]
    AdjustStock(AdjustStock),
}

impl Participant for InventorySaga {
    const NAME: &'static str = "inventory";
    type Input = Input;
    type Workset = Stock;

    fn react(&self, stock: &mut Stock, it: &Delivery<Input>, out: &mut Consequences) -> Verdict {
        match &it.input {
            Input::OrderCreated(order) => stock.reserve(it.key, order, self, out),
            Input::OrderConfirmed => stock.commit(it.key, out),
            Input::OrderShipped => stock.ship(it.key, out),
            Input::OrderCancelled => stock.release(it.key, ReleaseReason::OrderCancelled, self, out),
            Input::PaymentFailed => stock.release(it.key, ReleaseReason::PaymentFailed, self, out),
            Input::ReservationDue => stock.expire(it.key, out),
            Input::PutProduct(command) => answer(command, stock.put(command, self, out)),
            Input::AdjustStock(command) => answer(command, stock.adjust(command, self, out)),
        }
    }
}

impl From<PutProduct> for Input {
    fn from(command: PutProduct) -> Self {
        Self::PutProduct(command)
    }
}

impl From<AdjustStock> for Input {
    fn from(command: AdjustStock) -> Self {
        Self::AdjustStock(command)
    }
}
