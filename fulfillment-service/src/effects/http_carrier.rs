//! Calls a carrier over HTTP.

use chrono::{DateTime, Utc};
use saga::CallError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::OutboundClient;

use super::Carrier;
use crate::domain::{Book, BookAnswer, Booking, CancelAnswer, Progress};

/// Adapter of the carrier port for the sandbox's API (`uzon serve sandbox`).
#[derive(Clone)]
pub struct HttpCarrier {
    client: OutboundClient,
}

impl HttpCarrier {
    /// `url`: `http://host:port`
    pub fn new(url: &str) -> Self {
        Self { client: OutboundClient::new(url) }
    }

    async fn status(&self, key: &str) -> Result<Option<BookingStatus>, CallError> {
        self.client.get::<AnswerBody>(&format!("/sandbox/carrier/bookings/{key}")).await?.try_into()
    }
}

impl Carrier for HttpCarrier {
    const NAME: &'static str = "sandbox";

    async fn book(&self, key: &str, book: &Book) -> Result<BookAnswer, CallError> {
        let address = &book.parcel.address;
        let body = BookBody { order_id: book.order_id, postal_code: &address.postal_code, country: &address.country };
        self.client.post::<AnswerBody>("/sandbox/carrier/bookings", key, &body).await?.try_into()
    }

    async fn find(&self, key: &str) -> Result<Option<BookAnswer>, CallError> {
        Ok(self.status(key).await?.map(|status| status.answer))
    }

    async fn cancel(&self, key: &str) -> Result<CancelAnswer, CallError> {
        self.client.post::<AnswerBody>("/sandbox/carrier/cancellations", key, &CancelBody { key }).await?.try_into()
    }

    async fn track(&self, key: &str) -> Result<Option<Progress>, CallError> {
        Ok(self.status(key).await?.and_then(|status| status.progress))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BookBody<'a> {
    order_id: Uuid,
    postal_code: &'a str,
    country: &'a str,
}

#[derive(Serialize)]
struct CancelBody<'a> {
    /// Key of the booking.
    key: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerBody {
    outcome: Outcome,
    carrier: Option<String>,
    tracking_number: Option<String>,
    estimated_delivery: Option<DateTime<Utc>>,
    /// Why the parcel was refused.
    reason: Option<String>,
    picked_up: bool,
    delivered_at: Option<DateTime<Utc>>,
}

#[derive(PartialEq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Outcome {
    Booked,
    Refused,
    NotFound,
    Cancelled,
    TooLate,
}

/// The answer to a booking and the progress of its parcel.
struct BookingStatus {
    answer: BookAnswer,
    progress: Option<Progress>,
}

/// The response does not fit the request, so the outcome of the call stays unknown.
fn unexpected<T>() -> Result<T, CallError> {
    Err(CallError::Unknown("the carrier's response does not fit the request".to_owned()))
}

impl TryFrom<AnswerBody> for BookAnswer {
    type Error = CallError;

    fn try_from(answer: AnswerBody) -> Result<Self, CallError> {
        let AnswerBody { outcome, carrier, tracking_number, estimated_delivery, reason, .. } = answer;
        match (outcome, carrier, tracking_number, estimated_delivery, reason) {
            (Outcome::Booked, Some(carrier), Some(tracking_number), Some(estimated_delivery), _) => {
                Ok(Self::Booked(Booking { carrier, tracking_number, estimated_delivery }))
            }
            (Outcome::Refused, _, _, _, Some(reason)) => Ok(Self::Refused(reason)),
            _ => unexpected(),
        }
    }
}

impl TryFrom<AnswerBody> for Option<BookingStatus> {
    type Error = CallError;

    fn try_from(answer: AnswerBody) -> Result<Self, CallError> {
        if answer.outcome == Outcome::NotFound {
            return Ok(None);
        }
        let progress = match (answer.delivered_at, answer.picked_up) {
            (Some(at), _) => Some(Progress::Delivered { at }),
            (None, true) => Some(Progress::PickedUp),
            (None, false) => None,
        };
        Ok(Some(BookingStatus { answer: answer.try_into()?, progress }))
    }
}

impl TryFrom<AnswerBody> for CancelAnswer {
    type Error = CallError;

    fn try_from(answer: AnswerBody) -> Result<Self, CallError> {
        match answer.outcome {
            Outcome::Cancelled => Ok(Self::Cancelled),
            Outcome::TooLate => Ok(Self::TooLate),
            _ => unexpected(),
        }
    }
}
