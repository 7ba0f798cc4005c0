//! The requests to the provider, and its answers. Names and keys are stored: never rename.

use events::{Currency, Money, PaymentFailure, Personal};
use saga::Request;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The idempotency key of an order's single charge, the same at every attempt.
pub fn charge_key(order_id: Uuid) -> String {
    format!("charge:{order_id}")
}

/// Charges the order's total.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Charge {
    pub order_id: Uuid,
    pub amount: Money,
    pub currency: Currency,
    pub token: Personal<String>,
}

/// The definite result of a charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChargeAnswer {
    Charged {
        reference: String,
    },
    /// Nothing was charged, and nothing will be charged with this key.
    Declined {
        reason: PaymentFailure,
    },
}

/// Queries the result of a charge whose outcome is unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryCharge {
    pub order_id: Uuid,
    /// 1, 2, 3 … per order: only the answer to the latest query counts.
    pub number: i32,
}

/// The provider's record of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    Settled(ChargeAnswer),
    /// No record yet: the charge may still be in flight.
    NotFound,
}

/// Closes the key of the order's charge: if nothing was charged yet, nothing ever will be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloseCharge {
    pub order_id: Uuid,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CloseAnswer {
    /// Nothing was charged with this key, and nothing ever will be.
    Closed,
    /// The charge succeeded before the close.
    AlreadyCharged { reference: String },
}

/// Refunds a charge, in part or in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    pub refund_id: Uuid,
    pub order_id: Uuid,
    /// The provider's reference of the charge.
    pub reference: String,
    pub amount: Money,
    pub currency: Currency,
}

/// The refund was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// The provider's reference of the refund.
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
