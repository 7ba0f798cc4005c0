//! Which event is which fact of an order (or of a product).

use saga::{Consequences, Delivery, Participant, Verdict};

use crate::{inputs::Input, store::Work};

/// The fold over everything that happens.
#[derive(Debug, Clone, Copy)]
pub struct Analytics;

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
