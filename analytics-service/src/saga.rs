//! What is heard, and which fact of an order (or of a product) it is.

use saga::{Consequences, Delivery, Participant, Verdict};
use serde::Deserialize;

use crate::{
    domain::events::{OrderCancelled, OrderCreated, PaymentFailed, PaymentProcessed, PaymentRefunded, ProductChanged},
    store::Work,
};

/// The fold over everything that happens.
#[derive(Debug, Clone, Copy)]
pub struct Analytics;

/// What the figures are made of. Other events are heard and passed over.
#[derive(Debug, Clone, Deserialize)]
pub enum Input {
    #[serde(rename = "OrderCreated.v1")]
    OrderCreated(OrderCreated),
    #[serde(rename = "InventoryReserved.v1")]
    InventoryReserved,
    #[serde(rename = "PaymentProcessed.v1")]
    PaymentProcessed(PaymentProcessed),
    #[serde(rename = "PaymentFailed.v1")]
    PaymentFailed(PaymentFailed),
    #[serde(rename = "PaymentRefunded.v1")]
    PaymentRefunded(PaymentRefunded),
    #[serde(rename = "OrderConfirmed.v1")]
    OrderConfirmed,
    #[serde(rename = "OrderShipped.v1")]
    OrderShipped,
    #[serde(rename = "OrderDelivered.v1")]
    OrderDelivered,
    #[serde(rename = "OrderCancelled.v1")]
    OrderCancelled(OrderCancelled),
    #[serde(rename = "ProductChanged.v1")]
    ProductChanged(ProductChanged),
}

impl Participant for Analytics {
    const NAME: &'static str = "analytics";
    /// A repeat changes nothing, and neither does the order of arrival: the facts in the rows are the guard.
    const INBOX: bool = false;
    type Input = Input;
    type Workset = Work;

    fn react(&self, work: &mut Work, it: &Delivery<Input>, _: &mut Consequences) -> Verdict {
        let (order, at) = (it.key, it.at.timestamp_millis());
        match &it.input {
            Input::OrderCreated(created) => work.note(order, |facts| facts.placed(at, created)),
            Input::InventoryReserved => work.note(order, |facts| facts.reserved(at)),
            Input::PaymentProcessed(payment) => work.note(order, |facts| facts.charged(payment)),
            Input::PaymentFailed(payment) => work.note(order, |facts| facts.failed(at, payment)),
            Input::PaymentRefunded(refund) => work.note(order, |facts| facts.refunded(refund)),
            Input::OrderConfirmed => work.note(order, |facts| facts.confirmed(at)),
            Input::OrderShipped => work.note(order, |facts| facts.shipped(at)),
            Input::OrderDelivered => work.note(order, |facts| facts.delivered(at)),
            Input::OrderCancelled(cancelled) => work.note(order, |facts| facts.cancelled(at, cancelled)),
            Input::ProductChanged(product) => work.rename(it.key, product),
        }
    }
}
