//! An order's parcel: booked once, stopped while that is possible.

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

use super::{AskCarrier, Book, CancelBooking, OrderConfirmed, Progress};
use crate::store::{Shipment, Work};

/// Where a shipment stands. Stored: never rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// The carrier is asked to take it.
    Booking,
    /// The carrier's answer was lost: perhaps it is booked, perhaps not.
    Unknown,
    /// The carrier will pick it up.
    Booked,
    /// The carrier is asked not to pick it up.
    Cancelling,
    /// The carrier has it.
    Shipped,
    /// The customer has it.
    Delivered,
    /// There is no parcel and there will be none. Also a tombstone: cancelled before it was to be booked.
    Cancelled,
    /// The carrier refuses it.
    Failed,
}

/// What the carrier is given, and to whom it goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parcel {
    pub recipient: Recipient,
    pub address: Address,
    pub items: Vec<Line>,
}

/// So many units of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    pub product_id: Uuid,
    pub product_name: String,
    pub quantity: u32,
}

impl Work {
    /// `OrderConfirmed`: it is paid and its stock is there, so it is shipped.
    pub fn book(&mut self, order: Uuid, confirmed: &OrderConfirmed, out: &mut Consequences) -> Verdict {
        if self.shipments.get(&order).is_some() {
            return Ignored("booked before, or cancelled before it was confirmed");
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

    /// `OrderCancelled`: what is not booked yet never will be. Whatever is under way the order has asked to cancel before,
    /// and was answered.
    pub fn forestall(&mut self, order: Uuid, out: &mut Consequences) -> Verdict {
        if self.shipments.get(&order).is_some() {
            return Ignored("it has a shipment already");
        }
        self.shipments.insert(Shipment::new(order, State::Cancelled, out));
        Done
    }

    /// `OrderCancellationRequested`: `request` is the event's id, by which a repeat is known.
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
            State::Booking | State::Unknown => {} // decided when the carrier's answer is known
            State::Booked => shipment.stop(out),
            State::Shipped => shipment.refuse_to_cancel(CancellationRefusal::AlreadyShipped, out),
            State::Delivered => shipment.refuse_to_cancel(CancellationRefusal::AlreadyDelivered, out),
            State::Cancelling => return Ignored("the carrier is being asked"),
            State::Cancelled | State::Failed => return Ignored("there is no parcel, and that was said"),
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

    /// Whether the carrier has it or is going to: there may be updates.
    pub fn is_under_way(&self) -> bool {
        matches!(self.state, State::Booked | State::Cancelling | State::Shipped)
    }

    /// Asks the carrier not to pick it up.
    pub(super) fn stop(&mut self, out: &mut Consequences) {
        self.enter(State::Cancelling, out);
        out.request(&CancelBooking { order_id: self.order_id });
    }

    /// The carrier won't pick it up.
    pub(super) fn stopped(&mut self, out: &mut Consequences) {
        self.enter(State::Cancelled, out);
        out.cancel_reminder::<AskCarrier>();
        out.publish(&mut self.sequence, &ShipmentCancelled {});
    }

    /// What is known of its way. `false`: that was known before, or can't be.
    pub(super) fn moved(&mut self, progress: Progress, out: &mut Consequences) -> bool {
        let before = self.state;
        if matches!(before, State::Booked | State::Cancelling) {
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
        self.state != before
    }

    fn picked_up(&mut self, out: &mut Consequences) {
        let was_to_be_cancelled = self.state == State::Cancelling;
        self.enter(State::Shipped, out);
        let shipped = OrderShipped {
            shipment_id: self.shipment_id,
            carrier: self.carrier.clone().expect("known since it was booked"),
            tracking_number: self.tracking_number.clone().expect("known since it was booked"),
            estimated_delivery: self.estimated_delivery.expect("known since it was booked").into(),
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
