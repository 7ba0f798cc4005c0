//! What the carrier answers about a booking, and what follows.

use chrono::{DateTime, TimeDelta, Utc};
use events::ShipmentFailed;
use saga::{
    CallResult, Consequences,
    Verdict::{self, Done, Ignored},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AskCarrier, Book, Progress, QueryBooking, State};
use crate::{
    saga::FulfillmentSaga,
    store::{Shipment, Work},
};

/// The carrier's definite answer to a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BookAnswer {
    /// It will pick the parcel up.
    Booked(Booking),
    /// It does not take this parcel, and never will. In its own words.
    Refused(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// The carrier's name, as customers know it.
    pub carrier: String,
    pub tracking_number: String,
    pub estimated_delivery: DateTime<Utc>,
}

/// The carrier's definite answer to a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancelAnswer {
    /// It won't pick the parcel up.
    Cancelled,
    /// It has picked it up.
    TooLate,
}

/// How long to wait before what became of a lost booking is asked: it may still be on its way.
const BEFORE_ASKING: TimeDelta = TimeDelta::seconds(1);

impl Work {
    /// What came of asking the carrier to take the parcel.
    pub fn booked(
        &mut self,
        order: Uuid,
        said: &CallResult<BookAnswer>,
        saga: &FulfillmentSaga,
        out: &mut Consequences,
    ) -> Verdict {
        let Some(shipment) = self.unanswered(order) else { return Ignored("its booking is answered") };
        match said {
            CallResult::Answer(answer) => shipment.answered(answer, saga, out),
            // It may have happened: neither a failure nor a reason to book anew under another key.
            CallResult::Unknown(_) | CallResult::Exhausted(_) | CallResult::KeyExpired(_) => {
                shipment.enter(State::Unknown, out);
                out.request_at(out.now() + BEFORE_ASKING, &QueryBooking { order_id: order });
            }
        }
        Done
    }

    /// What came of asking the carrier what became of the booking.
    pub fn found(
        &mut self,
        order: Uuid,
        said: &CallResult<Option<BookAnswer>>,
        saga: &FulfillmentSaga,
        out: &mut Consequences,
    ) -> Verdict {
        let Some(shipment) = self.unanswered(order) else { return Ignored("its booking is answered") };
        match said {
            CallResult::Answer(Some(answer)) => shipment.answered(answer, saga, out),
            // Should the first one still arrive: with the same key it is the same booking.
            CallResult::Answer(None) => {
                let parcel = shipment.parcel.as_deref().cloned().expect("kept until the booking is answered");
                shipment.enter(State::Booking, out);
                out.request(&Book { order_id: order, parcel });
            }
            CallResult::Unknown(_) | CallResult::Exhausted(_) | CallResult::KeyExpired(_) => {
                out.request_at(out.now() + BEFORE_ASKING, &QueryBooking { order_id: order });
            }
        }
        Done
    }

    /// What came of asking the carrier not to pick the parcel up.
    pub fn booking_cancelled(
        &mut self,
        order: Uuid,
        said: &CallResult<CancelAnswer>,
        out: &mut Consequences,
    ) -> Verdict {
        let shipment = self.shipments.get_mut(&order).filter(|shipment| shipment.state == State::Cancelling);
        let Some(shipment) = shipment else { return Ignored("it was picked up, and that is known") };
        match said {
            CallResult::Answer(CancelAnswer::Cancelled) => shipment.stopped(out),
            CallResult::Answer(CancelAnswer::TooLate) => {
                shipment.moved(Progress::PickedUp, out);
            }
            // Asking again is harmless.
            CallResult::Unknown(_) | CallResult::Exhausted(_) | CallResult::KeyExpired(_) => shipment.stop(out),
        }
        Done
    }

    fn unanswered(&mut self, order: Uuid) -> Option<&mut Shipment> {
        let shipment = self.shipments.get_mut(&order)?;
        matches!(shipment.state, State::Booking | State::Unknown).then_some(shipment)
    }
}

impl Shipment {
    fn answered(&mut self, answer: &BookAnswer, saga: &FulfillmentSaga, out: &mut Consequences) {
        // The carrier has it now, or never will: names and addresses are kept no longer than needed.
        self.parcel = None;
        match answer {
            BookAnswer::Booked(booking) => {
                self.carrier = Some(booking.carrier.clone());
                self.tracking_number = Some(booking.tracking_number.clone());
                self.estimated_delivery = Some(booking.estimated_delivery);
                self.enter(State::Booked, out);
                out.remind_at(out.now() + saga.ask_after, &AskCarrier { asked: 0 });
                if self.cancel_request.is_some() {
                    self.stop(out);
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
