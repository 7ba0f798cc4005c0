//! What is said between the payment service and a provider in another process.

use events::{Currency, Money, PaymentFailure};
use platform::CallError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{ChargeAnswer, CloseAnswer, Found, Refunded};

/// Take money. The key is in `Idempotency-Key`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PaymentProviderCharge)]
pub(super) struct ChargeBody {
    pub order_id: Uuid,
    #[schema(value_type = String, example = "59.90")]
    pub amount: Money,
    #[schema(value_type = String, example = "EUR")]
    pub currency: Currency,
    #[schema(example = "tok_ok")]
    pub token: String,
}

/// About a charge that is known, or not, by its key.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PaymentProviderCharged)]
pub(super) struct AboutBody {
    pub order_id: Uuid,
}

/// Pay back. The key is in `Idempotency-Key`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PaymentProviderRefund)]
pub(super) struct RefundBody {
    pub order_id: Uuid,
    /// Under which was charged.
    pub charge_key: String,
    #[schema(value_type = String, example = "59.90")]
    pub amount: Money,
}

/// What the provider answers.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaymentProviderAnswer)]
pub(super) struct Answer {
    pub outcome: Outcome,
    /// The provider's, when money has moved.
    pub reference: Option<String>,
    /// Why it was declined.
    #[schema(value_type = Option<String>, example = "CARD_DECLINED")]
    pub reason: Option<PaymentFailure>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = PaymentProviderOutcome)]
pub(super) enum Outcome {
    Charged,
    Declined,
    /// Nothing is known under this key; the charge may be on its way.
    NotFound,
    /// Nothing was charged under this key and nothing ever will be.
    Closed,
    Refunded,
}

impl Answer {
    fn plain(outcome: Outcome) -> Self {
        Self { outcome, reference: None, reason: None }
    }

    fn referring(outcome: Outcome, reference: String) -> Self {
        Self { outcome, reference: Some(reference), reason: None }
    }

    fn parts(self) -> (Outcome, Option<String>) {
        (self.outcome, self.reference)
    }
}

impl From<ChargeAnswer> for Answer {
    fn from(answer: ChargeAnswer) -> Self {
        match answer {
            ChargeAnswer::Charged { reference } => Self::referring(Outcome::Charged, reference),
            ChargeAnswer::Declined { reason } => Self { reason: Some(reason), ..Self::plain(Outcome::Declined) },
        }
    }
}

impl From<Found> for Answer {
    fn from(found: Found) -> Self {
        match found {
            Found::Settled(answer) => answer.into(),
            Found::NotFound => Self::plain(Outcome::NotFound),
        }
    }
}

impl From<CloseAnswer> for Answer {
    fn from(answer: CloseAnswer) -> Self {
        match answer {
            CloseAnswer::Closed => Self::plain(Outcome::Closed),
            CloseAnswer::AlreadyCharged { reference } => Self::referring(Outcome::Charged, reference),
        }
    }
}

impl From<Refunded> for Answer {
    fn from(Refunded { reference }: Refunded) -> Self {
        Self::referring(Outcome::Refunded, reference)
    }
}

/// An answer to another question leaves everything open.
fn odd<T>() -> Result<T, CallError> {
    Err(CallError::Unknown("the provider's answer makes no sense".to_owned()))
}

impl TryFrom<Answer> for ChargeAnswer {
    type Error = CallError;

    fn try_from(answer: Answer) -> Result<Self, CallError> {
        let reason = answer.reason;
        match (answer.parts(), reason) {
            ((Outcome::Charged, Some(reference)), _) => Ok(Self::Charged { reference }),
            ((Outcome::Declined, _), Some(reason)) => Ok(Self::Declined { reason }),
            _ => odd(),
        }
    }
}

impl TryFrom<Answer> for Found {
    type Error = CallError;

    fn try_from(answer: Answer) -> Result<Self, CallError> {
        match answer.outcome {
            Outcome::NotFound => Ok(Self::NotFound),
            _ => ChargeAnswer::try_from(answer).map(Self::Settled),
        }
    }
}

impl TryFrom<Answer> for CloseAnswer {
    type Error = CallError;

    fn try_from(answer: Answer) -> Result<Self, CallError> {
        match answer.parts() {
            (Outcome::Closed, _) => Ok(Self::Closed),
            (Outcome::Charged, Some(reference)) => Ok(Self::AlreadyCharged { reference }),
            _ => odd(),
        }
    }
}

impl TryFrom<Answer> for Refunded {
    type Error = CallError;

    fn try_from(answer: Answer) -> Result<Self, CallError> {
        match answer.parts() {
            (Outcome::Refunded, Some(reference)) => Ok(Self { reference }),
            _ => odd(),
        }
    }
}
