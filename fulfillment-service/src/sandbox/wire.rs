//! What is said between the shop and a carrier in another process.

use chrono::{DateTime, Utc};
use platform::CallError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::booking::Known;
use crate::domain::{self, BookAnswer, CancelAnswer, Progress};

/// Take a parcel. The key is in `Idempotency-Key`. The carrier only pretends: where it goes is all it wants to know.
#[derive(Serialize, Deserialize, ToSchema)]
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
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CarrierCancellation)]
pub(super) struct CancelBody {
    /// Of the booking.
    pub key: String,
}

/// What the carrier answers about a booking.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CarrierAnswer)]
pub(super) struct Answer {
    pub outcome: Outcome,
    /// The carrier's name, as customers know it; like the next two only of what is booked.
    pub carrier: Option<String>,
    pub tracking_number: Option<String>,
    pub estimated_delivery: Option<DateTime<Utc>>,
    /// Why it was refused.
    pub reason: Option<String>,
    pub picked_up: bool,
    pub delivered_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = CarrierOutcome)]
pub(super) enum Outcome {
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
            BookAnswer::Booked(domain::Booking { carrier, tracking_number, estimated_delivery }) => Self {
                carrier: Some(carrier),
                tracking_number: Some(tracking_number),
                estimated_delivery: Some(estimated_delivery),
                ..Self::plain(Outcome::Booked)
            },
            BookAnswer::Refused(reason) => Self { reason: Some(reason), ..Self::plain(Outcome::Refused) },
        }
    }
}

impl From<Option<Known>> for Answer {
    fn from(known: Option<Known>) -> Self {
        let Some(Known { answer, progress }) = known else { return Self::plain(Outcome::NotFound) };
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

/// An answer to another question leaves everything open.
fn odd<T>() -> Result<T, CallError> {
    Err(CallError::Unknown("the carrier's answer makes no sense".to_owned()))
}

impl TryFrom<Answer> for BookAnswer {
    type Error = CallError;

    fn try_from(answer: Answer) -> Result<Self, CallError> {
        let Answer { outcome, carrier, tracking_number, estimated_delivery, reason, .. } = answer;
        match (outcome, carrier, tracking_number, estimated_delivery, reason) {
            (Outcome::Booked, Some(carrier), Some(tracking_number), Some(estimated_delivery), _) => {
                Ok(Self::Booked(domain::Booking { carrier, tracking_number, estimated_delivery }))
            }
            (Outcome::Refused, _, _, _, Some(reason)) => Ok(Self::Refused(reason)),
            _ => odd(),
        }
    }
}

impl TryFrom<Answer> for Option<Known> {
    type Error = CallError;

    fn try_from(answer: Answer) -> Result<Self, CallError> {
        if answer.outcome == Outcome::NotFound {
            return Ok(None);
        }
        let progress = match (answer.delivered_at, answer.picked_up) {
            (Some(at), _) => Some(Progress::Delivered { at }),
            (None, true) => Some(Progress::PickedUp),
            (None, false) => None,
        };
        Ok(Some(Known { answer: answer.try_into()?, progress }))
    }
}

impl TryFrom<Answer> for CancelAnswer {
    type Error = CallError;

    fn try_from(answer: Answer) -> Result<Self, CallError> {
        match answer.outcome {
            Outcome::Cancelled => Ok(Self::Cancelled),
            Outcome::TooLate => Ok(Self::TooLate),
            _ => odd(),
        }
    }
}
