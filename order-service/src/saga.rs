//! This service's part in the saga: what it listens to, and which rule of `domain` each thing leads to.

use chrono::TimeDelta;
use saga::{
    Command, Consequences, Delivery, Participant, Reminder,
    Verdict::{self, Reject},
    answer,
};
use store::Rows;
use uuid::Uuid;

use crate::{
    domain::{CancelOrder, CancelRefusal, Cause, OrderDeadline, OrderReceipt, OrderStatusView, PlaceOrder, Violation},
    inputs::Input,
    store::{Order, Orders, Statuses, details},
};

pub struct OrderSaga {
    /// How long an order may stay unconfirmed.
    pub deadline: TimeDelta,
    /// Answers status queries. Each decision has to be noted here before it is saved.
    pub statuses: Statuses,
}

impl Participant for OrderSaga {
    const NAME: &'static str = "order";
    type Input = Input;
    type Workset = Orders;

    fn react(&self, work: &mut Orders, it: &Delivery<Input>, out: &mut Consequences) -> Verdict {
        match &it.input {
            Input::PlaceOrder(command) => answer(&**command, work.place(command, self.deadline, out)),
            Input::ProductChanged(product) => work.product_changed(it.key, product),
            Input::CancelOrder(command) => {
                let answered = work.cancel(command, out);
                if let Ok(status) = &answered {
                    self.statuses.decided(it.key, status.version);
                }
                answer(command, answered)
            }
            _ => match work.orders.get_mut(&it.key) {
                Some(order) => {
                    let verdict = about(order, &work.details, it, out);
                    self.statuses.decided(it.key, order.version);
                    verdict
                }
                // No event about an order can be published before the order is saved: a hold would be of no use.
                None => Reject(format!("there is no order {}", it.key)),
            },
        }
    }
}

/// What concerns an order that exists.
fn about(order: &mut Order, details: &Rows<details::Entity>, it: &Delivery<Input>, out: &mut Consequences) -> Verdict {
    let by = |name| Cause::new(name, it.cause);
    match &it.input {
        // the way of an order that goes well
        Input::InventoryReserved => order.reserved(by("InventoryReserved"), out),
        Input::PaymentProcessed(payment) => {
            let ordered = details.get(&it.key).expect("written with the order");
            order.paid(payment, &ordered.details, by("PaymentProcessed"), out)
        }
        Input::OrderShipped(parcel) => order.shipped(parcel, by("OrderShipped"), out),
        Input::OrderDelivered(parcel) => order.delivered(parcel, by("OrderDelivered"), out),
        // what goes wrong
        Input::InventoryInsufficient => order.out_of_stock(by("InventoryInsufficient"), out),
        Input::ReservationExpired => order.reservation_expired(by("ReservationExpired"), out),
        Input::PaymentFailed(refusal) => order.payment_failed(refusal, by("PaymentFailed"), out),
        Input::ShipmentFailed => order.shipment_failed(by("ShipmentFailed"), out),
        Input::OrderDeadline => order.deadline_exceeded(by(OrderDeadline::NAME), out),
        // what comes of a cancellation
        Input::ShipmentCancelled => order.shipment_cancelled(by("ShipmentCancelled"), out),
        Input::ShipmentCancellationRefused => order.cancellation_refused(by("ShipmentCancellationRefused"), out),
        Input::PaymentRefunded(refund) => order.refunded(refund),
        Input::PlaceOrder(_) | Input::CancelOrder(_) | Input::ProductChanged(_) => unreachable!("decided above"),
    }
}

impl Command for PlaceOrder {
    type Participant = OrderSaga;
    type Reply = OrderReceipt;
    /// Everything the catalogue has against it.
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
