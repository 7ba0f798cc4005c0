//! The carrier's answers about a booking.

use chrono::{DateTime, TimeDelta, Utc};
use events::ShipmentFailed;
use saga::{
    CallResult, Consequences,
    Verdict::{self, Done, Ignored},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AskCarrier, Book, Progress, QueryBooking, ShipmentRules, State, Work, rows::Shipment};

/// The carrier's definite answer to a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BookAnswer {
    /// The carrier will pick the parcel up.
    Booked(Booking),
    /// The carrier never accepts this parcel. The text is the carrier's.
    Refused(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// The carrier's name for customers.
    pub carrier: String,
    pub tracking_number: String,
    pub estimated_delivery: DateTime<Utc>,
}

/// The carrier's definite answer to a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancelAnswer {
    /// The carrier will not pick the parcel up.
    Cancelled,
    /// The parcel was picked up before.
    TooLate,
}

/// Delay of the query for a booking with an unknown outcome: the booking may still be in flight.
const QUERY_DELAY: TimeDelta = TimeDelta::seconds(1);

impl Work {
    /// The result of `Book`.
    pub fn booked(
        &mut self,
        order: Uuid,
        result: &CallResult<BookAnswer>,
        rules: &ShipmentRules,
        out: &mut Consequences,
    ) -> Verdict {
        let Some(shipment) = self.unanswered(order) else { return Ignored("the booking is answered already") };
        match result {
            CallResult::Answer(answer) => shipment.answered(answer, rules, out),
            // The booking may exist: the shipment has not failed, and a booking with another key could be a second one.
            CallResult::Unknown(_) | CallResult::Exhausted(_) | CallResult::KeyExpired(_) => {
                shipment.enter(State::Unknown, out);
                out.request_at(out.now() + QUERY_DELAY, &QueryBooking { order_id: order });
            }
        }
        Done
    }

    /// The result of `QueryBooking`.
    pub fn found(
        &mut self,
        order: Uuid,
        result: &CallResult<Option<BookAnswer>>,
        rules: &ShipmentRules,
        out: &mut Consequences,
    ) -> Verdict {
        let Some(shipment) = self.unanswered(order) else { return Ignored("the booking is answered already") };
        match result {
            CallResult::Answer(Some(answer)) => shipment.answered(answer, rules, out),
            // If the first request still arrives: with the same key it is the same booking.
            CallResult::Answer(None) => {
                let parcel = shipment.parcel.as_deref().cloned().expect("kept until the booking is answered");
                shipment.enter(State::Booking, out);
                out.request(&Book { order_id: order, parcel });
            }
            CallResult::Unknown(_) | CallResult::Exhausted(_) | CallResult::KeyExpired(_) => {
                out.request_at(out.now() + QUERY_DELAY, &QueryBooking { order_id: order });
            }
        }
        Done
    }

    /// The result of `CancelBooking`.
    pub fn booking_cancelled(
        &mut self,
        order: Uuid,
        result: &CallResult<CancelAnswer>,
        out: &mut Consequences,
    ) -> Verdict {
        let shipment = self.shipments.get_mut(&order).filter(|shipment| shipment.state == State::Cancelling);
        let Some(shipment) = shipment else { return Ignored("the pick-up is known already") };
        match result {
            CallResult::Answer(CancelAnswer::Cancelled) => shipment.cancelled(out),
            CallResult::Answer(CancelAnswer::TooLate) => shipment.advance(Progress::PickedUp, out),
            // A repeated cancellation is harmless.
            CallResult::Unknown(_) | CallResult::Exhausted(_) | CallResult::KeyExpired(_) => {
                shipment.cancel_booking(out);
            }
        }
        Done
    }

    fn unanswered(&mut self, order: Uuid) -> Option<&mut Shipment> {
        let shipment = self.shipments.get_mut(&order)?;
        matches!(shipment.state, State::Booking | State::Unknown).then_some(shipment)
    }
}

impl Shipment {
    fn answered(&mut self, answer: &BookAnswer, rules: &ShipmentRules, out: &mut Consequences) {
        // Personal data is no longer needed: the booking is definite.
        self.parcel = None;
        match answer {
            BookAnswer::Booked(booking) => {
                self.carrier = Some(booking.carrier.clone());
                self.tracking_number = Some(booking.tracking_number.clone());
                self.estimated_delivery = Some(booking.estimated_delivery);
                self.enter(State::Booked, out);
                out.remind_at(out.now() + rules.track_after, &AskCarrier { asked: 0 });
                if self.cancel_request.is_some() {
                    self.cancel_booking(out);
                }
            }
            BookAnswer::Refused(reason) => {
                self.reason = Some(reason.clone());
                self.enter(State::Failed, out);
                out.publish(&mut self.sequence, &ShipmentFailed { reason: reason.clone() });
            }
        }
    }
}
