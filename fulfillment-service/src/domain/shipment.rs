//! The shipment of an order: booked once, cancelled while that is possible.

use events::{
    Address, CancellationRefusal, OrderDelivered, OrderShipped, Recipient, ShipmentCancellationRefused,
    ShipmentCancelled,
};
use saga::{
    Consequences, Seen,
    Verdict::{self, Done, Ignored},
};
use sea_orm::{DeriveActiveEnum, EnumIter, prelude::StringLen};
use serde::{Deserialize, Serialize};
use store::Json;
use uuid::Uuid;

use super::{AskCarrier, Book, CancelBooking, OrderConfirmed, Progress, Work, rows::Shipment};

/// The state of a shipment. Stored: never rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// The carrier has not answered the booking yet.
    Booking,
    /// The outcome of the booking is unknown: the parcel may be booked.
    Unknown,
    /// The carrier will pick the parcel up.
    Booked,
    /// The carrier has not answered the cancellation yet.
    Cancelling,
    /// The carrier has the parcel.
    Shipped,
    /// The customer has the parcel.
    Delivered,
    /// There is no parcel and there will be none. Also a tombstone: cancelled before the order was confirmed.
    Cancelled,
    /// The carrier refuses the parcel.
    Failed,
}

/// The content of a parcel and its recipient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parcel {
    pub recipient: Recipient,
    pub address: Address,
    pub items: Vec<Line>,
}

/// Units of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    pub product_id: Uuid,
    pub product_name: String,
    pub quantity: u32,
}

impl Work {
    /// `OrderConfirmed`: the order is paid and its stock is reserved; books the parcel.
    pub fn book(&mut self, order: Uuid, confirmed: &OrderConfirmed, out: &mut Consequences) -> Verdict {
        if self.shipments.get(&order).is_some() {
            return Ignored("booked already, or cancelled before the confirmation");
        }
        let book = Book { order_id: order, parcel: confirmed.parcel() };
        out.request(&book);
        self.shipments.insert(Shipment {
            customer_id: Some(confirmed.customer_id),
            parcel: Some(Json(book.parcel)),
            ..Shipment::new(order, State::Booking, out)
        });
        Done
    }

    /// `OrderCancelled`: an order without a shipment gets a tombstone. For an existing shipment the order has
    /// requested the cancellation before and has its answer.
    pub fn forestall(&mut self, order: Uuid, out: &mut Consequences) -> Verdict {
        if self.shipments.get(&order).is_some() {
            return Ignored("the order has a shipment already");
        }
        self.shipments.insert(Shipment::new(order, State::Cancelled, out));
        Done
    }

    /// `OrderCancellationRequested`. `request`: the event's id, which identifies a repeat.
    pub fn cancel(&mut self, order: Uuid, request: Uuid, out: &mut Consequences) -> Verdict {
        let Some(shipment) = self.shipments.get_mut(&order) else {
            let tombstone = self.shipments.insert(Shipment::new(order, State::Cancelled, out));
            out.publish(&mut tombstone.sequence, &ShipmentCancelled {});
            return Done;
        };
        if shipment.cancel_request == Some(request) {
            return Ignored("a repeat");
        }
        match shipment.state {
            State::Booking | State::Unknown if shipment.cancel_request.is_some() => {
                return Ignored("the answer to the booking decides");
            }
            State::Booking | State::Unknown => {} // decided by the carrier's answer
            State::Booked => shipment.cancel_booking(out),
            State::Shipped => shipment.refuse_to_cancel(CancellationRefusal::AlreadyShipped, out),
            State::Delivered => shipment.refuse_to_cancel(CancellationRefusal::AlreadyDelivered, out),
            State::Cancelling => return Ignored("the answer to the cancellation decides"),
            State::Cancelled | State::Failed => return Ignored("there is no parcel, and that is published already"),
        }
        shipment.cancel_request = Some(request);
        Done
    }
}

impl Shipment {
    fn new(order_id: Uuid, state: State, out: &mut Consequences) -> Self {
        Self {
            order_id,
            shipment_id: out.new_id(),
            customer_id: None,
            state,
            cancel_request: None,
            carrier: None,
            tracking_number: None,
            estimated_delivery: None,
            parcel: None,
            reason: None,
            sequence: 0,
            seen: Seen::default(),
            updated_at: out.now(),
            trace: out.trace().to_string(),
        }
    }

    pub(super) fn enter(&mut self, state: State, out: &Consequences) {
        (self.state, self.updated_at) = (state, out.now());
    }

    /// Whether the carrier has the parcel or will have it, so that it may send updates.
    pub fn is_under_way(&self) -> bool {
        matches!(self.state, State::Booked | State::Cancelling | State::Shipped)
    }

    /// Requests the cancellation of the booking.
    pub(super) fn cancel_booking(&mut self, out: &mut Consequences) {
        self.enter(State::Cancelling, out);
        out.request(&CancelBooking { order_id: self.order_id });
    }

    /// The carrier has cancelled the booking.
    pub(super) fn cancelled(&mut self, out: &mut Consequences) {
        self.enter(State::Cancelled, out);
        out.cancel_reminder::<AskCarrier>();
        out.publish(&mut self.sequence, &ShipmentCancelled {});
    }

    /// Applies a progress. Repeats, older progress and impossible progress change nothing.
    pub(super) fn advance(&mut self, progress: Progress, out: &mut Consequences) {
        if matches!(self.state, State::Booked | State::Cancelling) {
            self.picked_up(out);
        }
        match progress {
            Progress::Delivered { at } if self.state == State::Shipped => {
                self.enter(State::Delivered, out);
                out.cancel_reminder::<AskCarrier>();
                let delivered = OrderDelivered { shipment_id: self.shipment_id, delivered_at: at.into() };
                out.publish(&mut self.sequence, &delivered);
            }
            Progress::Delivered { .. } | Progress::PickedUp => {}
        }
    }

    fn picked_up(&mut self, out: &mut Consequences) {
        let was_to_be_cancelled = self.state == State::Cancelling;
        self.enter(State::Shipped, out);
        let shipped = OrderShipped {
            shipment_id: self.shipment_id,
            carrier: self.carrier.clone().expect("known since the booking"),
            tracking_number: self.tracking_number.clone().expect("known since the booking"),
            estimated_delivery: self.estimated_delivery.expect("known since the booking").into(),
        };
        out.publish(&mut self.sequence, &shipped);
        if was_to_be_cancelled {
            self.refuse_to_cancel(CancellationRefusal::AlreadyShipped, out);
        }
    }

    fn refuse_to_cancel(&mut self, why: CancellationRefusal, out: &mut Consequences) {
        out.publish(&mut self.sequence, &ShipmentCancellationRefused { why });
    }
}
