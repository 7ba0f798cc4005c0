//! What the payment service tells.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Currency, Money, event::event, topic, wire_enum::wire_enum};

/// The order's total was charged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentProcessed {
    /// The payment.
    pub payment_id: Uuid,
    /// What was charged.
    pub amount: Money,
    /// Of the amount.
    pub currency: Currency,
    /// Such as `card`.
    pub payment_method: String,
}

/// Nothing was charged, and nothing will be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentFailed {
    /// Why.
    pub reason: PaymentFailure,
    /// What was to be charged.
    pub amount: Money,
    /// Of the amount.
    pub currency: Currency,
}

/// Money was paid back: all that was left (a cancellation), or a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefunded {
    /// The refund.
    pub refund_id: Uuid,
    /// Of which payment.
    pub payment_id: Uuid,
    /// What was paid back now.
    pub amount: Money,
    /// What has been paid back of this payment, this refund included.
    pub refunded_total: Money,
    /// Of both amounts.
    pub currency: Currency,
    /// What led to it.
    pub reason: RefundReason,
    /// What the one who ordered it wrote.
    pub note: Option<String>,
}

wire_enum! {
    /// Why a charge was refused.
    pub enum PaymentFailure {
        /// The bank said no.
        CardDeclined = "CARD_DECLINED",
        /// Not enough money.
        InsufficientFunds = "INSUFFICIENT_FUNDS",
        /// The customer did not authorise it.
        PaymentNotAuthorised = "PAYMENT_NOT_AUTHORISED",
    }
}

wire_enum! {
    /// What led to a refund.
    pub enum RefundReason {
        /// The order was cancelled.
        OrderCancelled = "ORDER_CANCELLED",
        /// Somebody of the shop ordered it.
        Requested = "REQUESTED",
    }
}

event!(PaymentProcessed = "PaymentProcessed.v1", topic::PAYMENT_UPDATES);
event!(PaymentFailed = "PaymentFailed.v1", topic::PAYMENT_UPDATES);
event!(PaymentRefunded = "PaymentRefunded.v1", topic::PAYMENT_UPDATES);
