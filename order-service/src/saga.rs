//! This service's part in the saga: what it listens to, and which rule of `domain` each thing leads to.

use chrono::TimeDelta;
use saga::{
    Consequences, Delivery, Participant, Reminder,
    Verdict::{self, Reject},
    answer,
};
use serde::Deserialize;
use store::Rows;

use crate::{
    domain::{
        CancelOrder, Cause, OrderDeadline, OrderDelivered, OrderShipped, PaymentFailed, PaymentProcessed,
        PaymentRefunded, PlaceOrder, ProductChanged,
    },
    store::{Order, Orders, Statuses, details},
};

pub struct OrderSaga {
    /// How long an order may stay unconfirmed.
    pub deadline: TimeDelta,
    /// What status queries are answered from; it has to hear of every decision before it is saved.
    pub statuses: Statuses,
}

/// Everything that comes in. Names of events and reminders are stored and sent: never rename.
#[derive(Debug, Deserialize)]
pub enum Input {
    // events about an order
    #[serde(rename = "InventoryReserved.v1")]
    InventoryReserved,
    #[serde(rename = "InventoryInsufficient.v1")]
    InventoryInsufficient,
    #[serde(rename = "ReservationExpired.v1")]
    ReservationExpired,
    #[serde(rename = "PaymentProcessed.v1")]
    PaymentProcessed(PaymentProcessed),
    #[serde(rename = "PaymentFailed.v1")]
    PaymentFailed(PaymentFailed),
    #[serde(rename = "PaymentRefunded.v1")]
    PaymentRefunded(PaymentRefunded),
    #[serde(rename = "OrderShipped.v1")]
    OrderShipped(OrderShipped),
    #[serde(rename = "OrderDelivered.v1")]
    OrderDelivered(OrderDelivered),
    #[serde(rename = "ShipmentFailed.v1")]
    ShipmentFailed,
    #[serde(rename = "ShipmentCancelled.v1")]
    ShipmentCancelled,
    #[serde(rename = "ShipmentCancellationRefused.v1")]
    ShipmentCancellationRefused,
    // events about a product
    #[serde(rename = "ProductChanged.v1")]
    ProductChanged(ProductChanged),
    // reminders
    OrderDeadline,
    // commands
    #[serde(skip)]
    PlaceOrder(Box<PlaceOrder>),
    #[serde(skip)]
    CancelOrder(CancelOrder),
}

impl Input {
    /// Whether the decision about it tells others what was ordered.
    pub fn needs_details(&self) -> bool {
        matches!(self, Self::PaymentProcessed(_))
    }
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
                // Nobody can have heard of an order before it was saved: waiting for it would help nothing.
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

impl From<PlaceOrder> for Input {
    fn from(command: PlaceOrder) -> Self {
        Self::PlaceOrder(command.into())
    }
}

impl From<CancelOrder> for Input {
    fn from(command: CancelOrder) -> Self {
        Self::CancelOrder(command)
    }
}
