//! Bodies of requests and answers.

use events::{Currency, Money, PaymentFailure};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::payment_provider::{ChargeAnswer, CloseAnswer, QueryAnswer, Refunded};

/// Take money. The key is in `Idempotency-Key`.
#[derive(Deserialize, ToSchema)]
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
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PaymentProviderCharged)]
pub(super) struct AboutBody {
    pub order_id: Uuid,
}

/// Pay back. The key is in `Idempotency-Key`.
#[derive(Deserialize, ToSchema)]
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
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaymentProviderAnswer)]
pub(super) struct Answer {
    outcome: Outcome,
    /// The provider's, when money has moved.
    reference: Option<String>,
    /// Why it was declined.
    #[schema(value_type = Option<String>, example = "CARD_DECLINED")]
    reason: Option<PaymentFailure>,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = PaymentProviderOutcome)]
enum Outcome {
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
}

impl From<ChargeAnswer> for Answer {
    fn from(answer: ChargeAnswer) -> Self {
        match answer {
            ChargeAnswer::Charged { reference } => Self::referring(Outcome::Charged, reference),
            ChargeAnswer::Declined { reason } => Self { reason: Some(reason), ..Self::plain(Outcome::Declined) },
        }
    }
}

impl From<QueryAnswer> for Answer {
    fn from(found: QueryAnswer) -> Self {
        match found {
            QueryAnswer::Settled(answer) => answer.into(),
            QueryAnswer::NotFound => Self::plain(Outcome::NotFound),
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
