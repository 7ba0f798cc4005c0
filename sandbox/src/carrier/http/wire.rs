//! Bodies of requests and answers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::carrier::{BookAnswer, BookingStatus, CancelAnswer, Confirmation, Progress};

/// Take a parcel. The key is in `Idempotency-Key`. The carrier only pretends: where it goes is all it wants to know.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CarrierBooking)]
pub(super) struct BookBody {
    pub order_id: Uuid,
    #[schema(example = "N1 1AA")]
    pub postal_code: String,
    #[schema(example = "GB")]
    pub country: String,
}

/// Leave a parcel where it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CarrierCancellation)]
pub(super) struct CancelBody {
    /// Of the booking.
    pub key: String,
}

/// What the carrier answers about a booking.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CarrierAnswer)]
pub(super) struct Answer {
    outcome: Outcome,
    /// The carrier's name, as customers know it; like the next two only of what is booked.
    carrier: Option<String>,
    tracking_number: Option<String>,
    estimated_delivery: Option<DateTime<Utc>>,
    /// Why it was refused.
    reason: Option<String>,
    picked_up: bool,
    delivered_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = CarrierOutcome)]
enum Outcome {
    Booked,
    /// This parcel is never taken.
    Refused,
    /// No booking has this key.
    NotFound,
    /// It won't be picked up.
    Cancelled,
    /// It is picked up.
    TooLate,
}

impl Answer {
    fn plain(outcome: Outcome) -> Self {
        Self {
            outcome,
            carrier: None,
            tracking_number: None,
            estimated_delivery: None,
            reason: None,
            picked_up: false,
            delivered_at: None,
        }
    }
}

impl From<BookAnswer> for Answer {
    fn from(answer: BookAnswer) -> Self {
        match answer {
            BookAnswer::Booked(Confirmation { carrier, tracking_number, estimated_delivery }) => Self {
                carrier: Some(carrier),
                tracking_number: Some(tracking_number),
                estimated_delivery: Some(estimated_delivery),
                ..Self::plain(Outcome::Booked)
            },
            BookAnswer::Refused(reason) => Self { reason: Some(reason), ..Self::plain(Outcome::Refused) },
        }
    }
}

impl From<Option<BookingStatus>> for Answer {
    fn from(status: Option<BookingStatus>) -> Self {
        let Some(BookingStatus { answer, progress }) = status else { return Self::plain(Outcome::NotFound) };
        let delivered_at = match progress {
            Some(Progress::Delivered { at }) => Some(at),
            Some(Progress::PickedUp) | None => None,
        };
        Self { picked_up: progress.is_some(), delivered_at, ..answer.into() }
    }
}

impl From<CancelAnswer> for Answer {
    fn from(answer: CancelAnswer) -> Self {
        Self::plain(match answer {
            CancelAnswer::Cancelled => Outcome::Cancelled,
            CancelAnswer::TooLate => Outcome::TooLate,
        })
    }
}
