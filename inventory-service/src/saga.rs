//! This service's part in the saga: what it listens to, and which rule of `domain` each thing leads to.

use chrono::TimeDelta;
use events::ReleaseReason;
use saga::{Command, Consequences, Delivery, Participant, Verdict, answer};
use uuid::Uuid;

use crate::{
    domain::{AdjustStock, ProductView, PutProduct, StockRefusal},
    inputs::Input,
    store::Stock,
};

pub struct InventorySaga {
    /// How long an order that is not confirmed keeps its stock before that is reported.
    pub hold_for: TimeDelta,
    /// A product with at most this number of units is running low.
    pub low_stock: i64,
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

impl Command for PutProduct {
    type Participant = InventorySaga;
    type Reply = ProductView;
    type Refusal = StockRefusal;

    fn key(&self) -> Uuid {
        self.product_id
    }
}

impl Command for AdjustStock {
    type Participant = InventorySaga;
    type Reply = ProductView;
    type Refusal = StockRefusal;

    fn key(&self) -> Uuid {
        self.product_id
    }
}
