//! Requests to the carrier. Names and keys are stored: never rename.

use saga::Request;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{BookAnswer, CancelAnswer, Parcel, Progress};

/// The key by which the carrier identifies a booking: the same in every request about the booking.
pub fn booking_key(order: Uuid) -> String {
    format!("book:{order}")
}

/// Books the parcel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Book {
    pub order_id: Uuid,
    pub parcel: Parcel,
}

/// Queries the answer to a booking with an unknown outcome. `None`: the carrier does not know the booking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryBooking {
    pub order_id: Uuid,
}

/// Cancels the booking, if the parcel has not been picked up yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelBooking {
    pub order_id: Uuid,
}

/// Queries the progress of the parcel, in case a carrier update was lost. `None`: not picked up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrackShipment {
    pub order_id: Uuid,
    /// The number of earlier queries since the booking.
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
