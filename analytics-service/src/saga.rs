//! This service's part in the saga: the fact of an order or a product that each event sets.

use saga::{Consequences, Delivery, Participant, Verdict};

use crate::{domain::Work, inputs::Input};

/// Folds the events of all orders into figures.
#[derive(Debug, Clone, Copy)]
pub struct Analytics;

impl Participant for Analytics {
    const NAME: &'static str = "analytics";
    type Input = Input;
    type Workset = Work;

    fn react(&self, work: &mut Work, it: &Delivery<Input>, _: &mut Consequences) -> Verdict {
        let (order, at) = (it.key, it.at.timestamp_millis());
        match &it.input {
            Input::OrderCreated(created) => work.record(order, |facts| facts.placed(at, created)),
            Input::InventoryReserved => work.record(order, |facts| facts.reserved(at)),
            Input::PaymentProcessed(payment) => work.record(order, |facts| facts.charged(payment)),
            Input::PaymentFailed(payment) => work.record(order, |facts| facts.failed(at, payment)),
            Input::PaymentRefunded(refund) => work.record(order, |facts| facts.refunded(refund)),
            Input::OrderConfirmed => work.record(order, |facts| facts.confirmed(at)),
            Input::OrderShipped => work.record(order, |facts| facts.shipped(at)),
            Input::OrderDelivered => work.record(order, |facts| facts.delivered(at)),
            Input::OrderCancelled(cancelled) => work.record(order, |facts| facts.cancelled(at, cancelled)),
            Input::ProductChanged(product) => work.rename(it.key, product),
        }
    }
}
