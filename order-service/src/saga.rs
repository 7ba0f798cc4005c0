//! This service's part in the saga: the rule of `domain` that each input invokes.

use saga::{
    Command, Consequences, Delivery, Participant, Reminder,
    Verdict::{self, Reject},
    answer,
};
use store::Rows;
use uuid::Uuid;

use crate::{
    domain::{
        CancelOrder, CancelRefusal, Cause, OrderDeadline, OrderReceipt, OrderRules, OrderStatusView, Orders,
        PlaceOrder, Violation,
        rows::{Order, details},
    },
    inputs::Input,
    statuses::Statuses,
};

pub struct OrderSaga {
    pub rules: OrderRules,
    /// The cache for status queries. Each decision invalidates the cached status before the decision is saved.
    pub statuses: Statuses,
}

impl Participant for OrderSaga {
    const NAME: &'static str = "order";
    type Input = Input;
    type Workset = Orders;

    fn react(&self, work: &mut Orders, it: &Delivery<Input>, out: &mut Consequences) -> Verdict {
        match &it.input {
            Input::PlaceOrder(command) => answer(&**command, work.place(command, &self.rules, out)),
            Input::ProductChanged(product) => work.product_changed(it.key, product),
            Input::CancelOrder(command) => {
                let reply = work.cancel(command, out);
                if let Ok(status) = &reply {
                    self.statuses.decided(it.key, status.version);
                }
                answer(command, reply)
            }
            _ => match work.orders.get_mut(&it.key) {
                Some(order) => {
                    let verdict = react_order(order, &work.details, it, out);
                    self.statuses.decided(it.key, order.version);
                    verdict
                }
                // No event about an order is published before the order is saved, so a hold would not help.
                None => Reject(format!("there is no order {}", it.key)),
            },
        }
    }
}

/// The inputs that need an existing order.
fn react_order(
    order: &mut Order,
    details: &Rows<details::Entity>,
    it: &Delivery<Input>,
    out: &mut Consequences,
) -> Verdict {
    let by = |name| Cause::new(name, it.cause);
    match &it.input {
        // progress
        Input::InventoryReserved => order.reserved(by("InventoryReserved"), out),
        Input::PaymentProcessed(payment) => {
            let ordered = details.get(&it.key).expect("written with the order");
            order.paid(payment, &ordered.details, by("PaymentProcessed"), out)
        }
        Input::OrderShipped(parcel) => order.shipped(parcel, by("OrderShipped"), out),
        Input::OrderDelivered(parcel) => order.delivered(parcel, by("OrderDelivered"), out),
        // failures
        Input::InventoryInsufficient => order.out_of_stock(by("InventoryInsufficient"), out),
        Input::ReservationExpired => order.reservation_expired(by("ReservationExpired"), out),
        Input::PaymentFailed(refusal) => order.payment_failed(refusal, by("PaymentFailed"), out),
        Input::ShipmentFailed => order.shipment_failed(by("ShipmentFailed"), out),
        Input::OrderDeadline => order.deadline_exceeded(by(OrderDeadline::NAME), out),
        // results of a cancellation, and refunds
        Input::ShipmentCancelled => order.shipment_cancelled(by("ShipmentCancelled"), out),
        Input::ShipmentCancellationRefused => order.cancellation_refused(by("ShipmentCancellationRefused"), out),
        Input::PaymentRefunded(refund) => order.refunded(refund),
        Input::PlaceOrder(_) | Input::CancelOrder(_) | Input::ProductChanged(_) => unreachable!("decided in `react`"),
    }
}

impl Command for PlaceOrder {
    type Participant = OrderSaga;
    type Reply = OrderReceipt;
    /// All violations, not only the first.
    type Refusal = Vec<Violation>;

    fn key(&self) -> Uuid {
        self.order_id
    }
}

impl Command for CancelOrder {
    type Participant = OrderSaga;
    type Reply = OrderStatusView;
    type Refusal = CancelRefusal;

    fn key(&self) -> Uuid {
        self.order_id
    }
}
