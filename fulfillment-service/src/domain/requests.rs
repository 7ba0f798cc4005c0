//! What the carrier is asked. Names and keys are stored: never rename.

use saga::Request;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{BookAnswer, CancelAnswer, Parcel, Progress};

/// The key under which the carrier knows a booking: the same whatever is asked about it, and however often.
pub fn booking_key(order: Uuid) -> String {
    format!("book:{order}")
}

/// Take this parcel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Book {
    pub order_id: Uuid,
    pub parcel: Parcel,
}

/// Queries the result of a booking whose answer was lost. `None`: the carrier does not know the booking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryBooking {
    pub order_id: Uuid,
}

/// Leave the parcel here, if you have not picked it up yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelBooking {
    pub order_id: Uuid,
}

/// Queries where the parcel is, in case a carrier update was lost. `None`: not picked up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrackShipment {
    pub order_id: Uuid,
    /// How often this was asked before.
    pub asked: u32,
}

impl Request for Book {
    const NAME: &'static str = "Book";
    type Answer = BookAnswer;
    fn idempotency_key(&self) -> String {
        booking_key(self.order_id)
    }
}

impl Request for QueryBooking {
    const NAME: &'static str = "QueryBooking";
    type Answer = Option<BookAnswer>;
    fn idempotency_key(&self) -> String {
        format!("find:{}", self.order_id)
    }
}

impl Request for CancelBooking {
    const NAME: &'static str = "CancelBooking";
    type Answer = CancelAnswer;
    fn idempotency_key(&self) -> String {
        format!("cancel:{}", self.order_id)
    }
}

impl Request for TrackShipment {
    const NAME: &'static str = "TrackShipment";
    type Answer = Option<Progress>;
    fn idempotency_key(&self) -> String {
        format!("track:{}", self.order_id)
    }
}
