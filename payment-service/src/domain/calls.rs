//! What the provider is asked, and what it may answer. Names and keys are stored: never rename.

use events::{Currency, Money, PaymentFailure, Personal};
use saga::Request;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The key of an order's one charge, at every attempt.
pub fn charge_key(order_id: Uuid) -> String {
    format!("charge:{order_id}")
}

/// Take the order's total.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Charge {
    pub order_id: Uuid,
    pub amount: Money,
    pub currency: Currency,
    pub token: Personal<String>,
}

/// What became of a charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChargeAnswer {
    Charged {
        reference: String,
    },
    /// Nothing was charged, and under this key nothing will be.
    Declined {
        reason: PaymentFailure,
    },
}

/// What became of the charge that was not answered?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryCharge {
    pub order_id: Uuid,
    /// 1, 2, 3 … per order: only the answer to the latest matters.
    pub number: i32,
}

/// What a provider knows under a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    Settled(ChargeAnswer),
    /// Nothing, so far: the charge may still be on its way.
    NotFound,
}

/// See to it that the order's charge can never happen any more, if it has not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloseCharge {
    pub order_id: Uuid,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CloseAnswer {
    /// Nothing was charged under this key, and nothing ever will be.
    Closed,
    /// Too late.
    AlreadyCharged { reference: String },
}

/// Pay back a part of a charge, or all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    pub refund_id: Uuid,
    pub order_id: Uuid,
    /// The provider's, of the charge.
    pub reference: String,
    pub amount: Money,
    pub currency: Currency,
}

/// It has been paid back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// The provider's, of the refund.
    pub reference: String,
}

impl Request for Charge {
    const NAME: &'static str = "Charge";
    type Answer = ChargeAnswer;

    fn idempotency_key(&self) -> String {
        charge_key(self.order_id)
    }
}

impl Request for QueryCharge {
    const NAME: &'static str = "QueryCharge";
    type Answer = Found;

    fn idempotency_key(&self) -> String {
        format!("query:{}:{}", self.order_id, self.number)
    }
}

impl Request for CloseCharge {
    const NAME: &'static str = "CloseCharge";
    type Answer = CloseAnswer;

    fn idempotency_key(&self) -> String {
        format!("close:{}", self.order_id)
    }
}

impl Request for Refund {
    const NAME: &'static str = "Refund";
    type Answer = Refunded;

    fn idempotency_key(&self) -> String {
        format!("refund:{}", self.refund_id)
    }
}
