//! This service's part in the saga: what it listens to, and which rule of `domain` each thing leads to.

use chrono::TimeDelta;
use saga::{Consequences, Delivery, Outcome, Participant, Verdict, answer};
use serde::Deserialize;

use crate::{
    domain::{Charge, CloseCharge, OrderCreated, QueryCharge, Refund, RefundPayment},
    store::Payments,
};

pub struct PaymentSaga {
    /// How long the provider is asked about a charge it has not answered.
    pub query_for: TimeDelta,
}

/// Everything that comes in. Names of events are sent: never rename.
#[derive(Debug, Deserialize)]
pub enum Input {
    // events
    #[serde(rename = "OrderCreated.v1")]
    OrderCreated(OrderCreated),
    #[serde(rename = "InventoryReserved.v1")]
    InventoryReserved,
    #[serde(rename = "OrderCancelled.v1")]
    OrderCancelled,
    #[serde(rename = "OrderShipped.v1")]
    OrderShipped,
    // outcomes
    #[serde(skip)]
    Charged(Outcome<Charge>),
    #[serde(skip)]
    Queried(Outcome<QueryCharge>),
    #[serde(skip)]
    Closed(Outcome<CloseCharge>),
    #[serde(skip)]
    Refunded(Outcome<Refund>),
    // commands
    #[serde(skip)]
    RefundPayment(RefundPayment),
}

impl Participant for PaymentSaga {
    const NAME: &'static str = "payment";
    type Input = Input;
    type Workset = Payments;

    fn react(&self, payments: &mut Payments, it: &Delivery<Input>, out: &mut Consequences) -> Verdict {
        match &it.input {
            Input::OrderCreated(order) => payments.note(it.key, order, out),
            Input::InventoryReserved => payments.charge(it.key, out),
            Input::OrderCancelled => payments.cancel(it.key, out),
            Input::OrderShipped => payments.shipped(it.key),
            Input::Charged(outcome) => payments.charge_answered(it.key, &outcome.result, out),
            Input::Queried(outcome) => payments.query_answered(it.key, outcome, self.query_for, out),
            Input::Closed(outcome) => payments.close_answered(it.key, &outcome.result, out),
            Input::Refunded(outcome) => payments.refund_answered(it.key, outcome, out),
            Input::RefundPayment(command) => answer(command, payments.refund(command, out)),
        }
    }
}

impl From<Outcome<Charge>> for Input {
    fn from(outcome: Outcome<Charge>) -> Self {
        Self::Charged(outcome)
    }
}

impl From<Outcome<QueryCharge>> for Input {
    fn from(outcome: Outcome<QueryCharge>) -> Self {
        Self::Queried(outcome)
    }
}

impl From<Outcome<CloseCharge>> for Input {
    fn from(outcome: Outcome<CloseCharge>) -> Self {
        Self::Closed(outcome)
    }
}

impl From<Outcome<Refund>> for Input {
    fn from(outcome: Outcome<Refund>) -> Self {
        Self::Refunded(outcome)
    }
}

impl From<RefundPayment> for Input {
    fn from(command: RefundPayment) -> Self {
        Self::RefundPayment(command)
    }
}
