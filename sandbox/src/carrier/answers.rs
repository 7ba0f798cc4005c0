//! What the carrier answers, and what it sends to the shop.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The answer to a booking. Definite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BookAnswer {
    Booked(Confirmation),
    /// The carrier never takes this parcel. Holds the reason.
    Refused(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The carrier's name, as customers know it.
    pub carrier: String,
    pub tracking_number: String,
    pub estimated_delivery: DateTime<Utc>,
}

/// The answer to a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancelAnswer {
    /// The parcel won't be picked up.
    Cancelled,
    /// The parcel is picked up.
    TooLate,
}

/// How far a parcel has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    PickedUp,
    /// The customer has it.
    Delivered {
        at: DateTime<Utc>,
    },
}

/// A booking's answer, and where its parcel is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingStatus {
    pub answer: BookAnswer,
    pub progress: Option<Progress>,
}

/// An update of a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierUpdate {
    /// The shop's reference, as given with the booking.
    pub order_id: Uuid,
    pub tracking_number: String,
    pub progress: Progress,
}

/// The shop's answer to an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateAnswer {
    Accepted,
    /// To be sent again.
    RetryLater,
    UnknownParcel,
}
