//! The progress of a parcel, from carrier updates or queries to the carrier.

use chrono::{DateTime, TimeDelta, Utc};
use saga::{
    CallResult, Consequences, Outcome, Reminder,
    Verdict::{self, Done, Ignored},
};
use serde::{Deserialize, Serialize};
use telemetry::Trace;
use uuid::Uuid;

use super::{ShipmentRules, State, TrackShipment, Work, rows::Shipment};

/// The progress of a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// The carrier has the parcel.
    PickedUp,
    /// The customer has the parcel. Implies the pick-up, also without an update about it.
    Delivered { at: DateTime<Utc> },
}

/// A carrier update about a parcel. Repeats and older updates change nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierUpdate {
    pub order_id: Uuid,
    pub tracking_number: String,
    pub progress: Progress,
}

/// Why an update was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateRefusal {
    /// The answer to the booking is not known yet. The carrier has to send the update again.
    TooEarly,
    /// No parcel has this order and this tracking number.
    NoSuchParcel,
}

/// There was no carrier update about a parcel for some time: an update may be lost. Between booking and delivery
/// there is either this reminder or the query that it causes, never both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskCarrier {
    /// The number of earlier queries since the booking.
    pub asked: u32,
}

impl Reminder for AskCarrier {
    const NAME: &'static str = "AskCarrier";
}

/// The longest wait between two queries.
const MAX_WAIT: TimeDelta = TimeDelta::hours(12);

impl Work {
    /// Applies a carrier update.
    pub fn update(&mut self, update: &CarrierUpdate, out: &mut Consequences) -> Result<(), UpdateRefusal> {
        let shipment = self.shipments.get_mut(&update.order_id).ok_or(UpdateRefusal::NoSuchParcel)?;
        if matches!(shipment.state, State::Booking | State::Unknown) {
            return Err(UpdateRefusal::TooEarly);
        }
        if shipment.tracking_number.as_ref() != Some(&update.tracking_number) {
            return Err(UpdateRefusal::NoSuchParcel);
        }
        if let Some(trace) = Trace::parse(shipment.trace.as_bytes()) {
            out.resume(trace);
        }
        shipment.advance(update.progress, out);
        Ok(())
    }

    /// Queries the carrier after a time without an update.
    pub fn track(&mut self, order: Uuid, reminder: AskCarrier, out: &mut Consequences) -> Verdict {
        if !self.shipments.get(&order).is_some_and(Shipment::is_under_way) {
            return Ignored("no parcel is under way");
        }
        out.request(&TrackShipment { order_id: order, asked: reminder.asked });
        Done
    }

    /// The result of `TrackShipment`. Until the parcel is delivered, queries repeat with growing waits.
    pub fn tracked(
        &mut self,
        order: Uuid,
        outcome: &Outcome<TrackShipment>,
        rules: &ShipmentRules,
        out: &mut Consequences,
    ) -> Verdict {
        let shipment = self.shipments.get_mut(&order).filter(|shipment| shipment.is_under_way());
        let Some(shipment) = shipment else { return Ignored("no parcel is under way") };
        if let CallResult::Answer(Some(progress)) = outcome.result {
            shipment.advance(progress, out);
        }
        if shipment.is_under_way() {
            let asked = outcome.request.asked.saturating_add(1);
            let wait = rules
                .track_after
                .checked_mul(1 << asked.min(20))
                .unwrap_or(MAX_WAIT)
                .min(MAX_WAIT.max(rules.track_after));
            out.remind_at(out.now() + wait, &AskCarrier { asked });
        }
        Done
    }
}
