//! Calls a payment provider over HTTP.

use events::{Currency, Money, PaymentFailure};
use saga::CallError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::OutboundClient;

use super::{Provider, ProviderCall};
use crate::domain::{Charge, ChargeAnswer, CloseAnswer, CloseCharge, Found, QueryCharge, Refund, Refunded, charge_key};

/// Adapter of the provider port for the sandbox's API (`uzon serve sandbox`).
#[derive(Clone)]
pub struct HttpProvider {
    client: OutboundClient,
}

const CHARGES: &str = "/sandbox/payment-provider/charges";
const REFUNDS: &str = "/sandbox/payment-provider/refunds";

impl HttpProvider {
    /// `url`: `http://host:port`
    pub fn new(url: &str) -> Self {
        Self { client: OutboundClient::new(url) }
    }

    fn post<'a, A>(&'a self, path: String, key: &'a str, body: impl Serialize + Send + Sync + 'a) -> ProviderCall<'a, A>
    where
        A: TryFrom<AnswerBody, Error = CallError>,
    {
        Box::pin(async move { self.client.post::<AnswerBody>(&path, key, &body).await?.try_into() })
    }
}

impl Provider for HttpProvider {
    fn charge<'a>(&'a self, key: &'a str, charge: &'a Charge) -> ProviderCall<'a, ChargeAnswer> {
        let Charge { order_id, amount, currency, ref token } = *charge;
        self.post(CHARGES.to_owned(), key, ChargeBody { order_id, amount, currency, token })
    }

    fn query<'a>(&'a self, key: &'a str, query: &'a QueryCharge) -> ProviderCall<'a, Found> {
        self.post(format!("{CHARGES}/{key}/query"), key, OrderBody { order_id: query.order_id })
    }

    fn close<'a>(&'a self, key: &'a str, close: &'a CloseCharge) -> ProviderCall<'a, CloseAnswer> {
        self.post(format!("{CHARGES}/{key}/close"), key, OrderBody { order_id: close.order_id })
    }

    fn refund<'a>(&'a self, key: &'a str, refund: &'a Refund) -> ProviderCall<'a, Refunded> {
        let (order_id, amount) = (refund.order_id, refund.amount);
        self.post(REFUNDS.to_owned(), key, RefundBody { order_id, charge_key: charge_key(order_id), amount })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChargeBody<'a> {
    order_id: Uuid,
    amount: Money,
    currency: Currency,
    token: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderBody {
    order_id: Uuid,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefundBody {
    order_id: Uuid,
    /// Idempotency key of the charge.
    charge_key: String,
    amount: Money,
}

#[derive(Deserialize)]
struct AnswerBody {
    outcome: Outcome,
    /// The provider's reference, if money was moved.
    reference: Option<String>,
    /// Why the charge was declined.
    reason: Option<PaymentFailure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Outcome {
    Charged,
    Declined,
    NotFound,
    Closed,
    Refunded,
}

/// The answer does not match the request, so the outcome of the call is unknown.
fn unexpected<T>() -> Result<T, CallError> {
    Err(CallError::Unknown("the provider's answer does not match the request".to_owned()))
}

impl TryFrom<AnswerBody> for ChargeAnswer {
    type Error = CallError;

    fn try_from(answer: AnswerBody) -> Result<Self, CallError> {
        match (answer.outcome, answer.reference, answer.reason) {
            (Outcome::Charged, Some(reference), _) => Ok(Self::Charged { reference }),
            (Outcome::Declined, _, Some(reason)) => Ok(Self::Declined { reason }),
            _ => unexpected(),
        }
    }
}

impl TryFrom<AnswerBody> for Found {
    type Error = CallError;

    fn try_from(answer: AnswerBody) -> Result<Self, CallError> {
        match answer.outcome {
            Outcome::NotFound => Ok(Self::NotFound),
            _ => ChargeAnswer::try_from(answer).map(Self::Settled),
        }
    }
}

impl TryFrom<AnswerBody> for CloseAnswer {
    type Error = CallError;

    fn try_from(answer: AnswerBody) -> Result<Self, CallError> {
        match (answer.outcome, answer.reference) {
            (Outcome::Closed, _) => Ok(Self::Closed),
            (Outcome::Charged, Some(reference)) => Ok(Self::AlreadyCharged { reference }),
            _ => unexpected(),
        }
    }
}

impl TryFrom<AnswerBody> for Refunded {
    type Error = CallError;

    fn try_from(answer: AnswerBody) -> Result<Self, CallError> {
        match (answer.outcome, answer.reference) {
            (Outcome::Refunded, Some(reference)) => Ok(Self { reference }),
            _ => unexpected(),
        }
    }
}
