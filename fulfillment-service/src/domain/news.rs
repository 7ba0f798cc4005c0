//! Where a parcel is: by carrier updates, or by a query to the carrier.

use chrono::{DateTime, TimeDelta, Utc};
use saga::{
    CallResult, Consequences, Outcome, Reminder,
    Verdict::{self, Done, Ignored},
};
use serde::{Deserialize, Serialize};
use telemetry::Trace;
use uuid::Uuid;

use super::{State, TrackShipment};
use crate::{
    saga::FulfillmentSaga,
    store::{Shipment, Work},
};

/// How far a parcel has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// The carrier has it.
    PickedUp,
    /// The customer has it; so the carrier had it before, even without an update.
    Delivered { at: DateTime<Utc> },
}

/// A carrier update about a parcel. Repeats and older updates change nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierNews {
    pub order_id: Uuid,
    pub tracking_number: String,
    pub progress: Progress,
}

/// Why an update was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewsRefusal {
    /// The booking's own answer is not known yet. The update has to be sent again.
    TooEarly,
    /// No parcel has this order and this tracking number.
    NoSuchParcel,
}

/// Nothing was heard of a parcel for some time: perhaps news was lost. Between booking and delivery there is either this
/// reminder or the question it leads to, never both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskCarrier {
    /// How often it was asked before.
    pub asked: u32,
}

impl Reminder for AskCarrier {
    const NAME: &'static str = "AskCarrier";
}

/// The longest wait between two questions.
const RARELY: TimeDelta = TimeDelta::hours(12);

impl Work {
    /// A carrier update about a parcel.
    pub fn hear(&mut self, news: &CarrierNews, out: &mut Consequences) -> Result<(), NewsRefusal> {
        let shipment = self.shipments.get_mut(&news.order_id).ok_or(NewsRefusal::NoSuchParcel)?;
        if matches!(shipment.state, State::Booking | State::Unknown) {
            return Err(NewsRefusal::TooEarly);
        }
        if shipment.tracking_number.as_ref() != Some(&news.tracking_number) {
            return Err(NewsRefusal::NoSuchParcel);
        }
        if let Some(trace) = Trace::parse(shipment.trace.as_bytes()) {
            out.resume(trace);
        }
        shipment.moved(news.progress, out);
        Ok(())
    }

    /// There was no update for too long.
    pub fn ask(&mut self, order: Uuid, ask: AskCarrier, out: &mut Consequences) -> Verdict {
        if !self.shipments.get(&order).is_some_and(Shipment::is_under_way) {
            return Ignored("nothing is under way");
        }
        out.request(&TrackShipment { order_id: order, asked: ask.asked });
        Done
    }

    /// What came of asking. Until it is delivered it is asked again, less and less often.
    pub fn tracked(
        &mut self,
        order: Uuid,
        outcome: &Outcome<TrackShipment>,
        saga: &FulfillmentSaga,
        out: &mut Consequences,
    ) -> Verdict {
        let shipment = self.shipments.get_mut(&order).filter(|shipment| shipment.is_under_way());
        let Some(shipment) = shipment else { return Ignored("nothing is under way") };
        if let CallResult::Answer(Some(progress)) = outcome.result {
            shipment.moved(progress, out);
        }
        if shipment.is_under_way() {
            let asked = outcome.request.asked.saturating_add(1);
            let wait = saga.ask_after.checked_mul(1 << asked.min(20)).unwrap_or(RARELY).min(RARELY.max(saga.ask_after));
            out.remind_at(out.now() + wait, &AskCarrier { asked });
        }
        Done
    }
}
