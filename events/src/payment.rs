//! The payment service's events.

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
    /// The charged amount.
    pub amount: Money,
    /// Currency of the amount.
    pub currency: Currency,
    /// Such as `card`.
    pub payment_method: String,
}

/// The charge was refused. The order will not be charged again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentFailed {
    /// Why the charge was refused.
    pub reason: PaymentFailure,
    /// The amount that was to be charged.
    pub amount: Money,
    /// Currency of the amount.
    pub currency: Currency,
}

/// A refund was made: of the remaining amount (a cancellation), or of a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefunded {
    /// The refund.
    pub refund_id: Uuid,
    /// The refunded payment.
    pub payment_id: Uuid,
    /// Amount of this refund.
    pub amount: Money,
    /// Sum of all refunds of the payment, this refund included.
    pub refunded_total: Money,
    /// Currency of both amounts.
    pub currency: Currency,
    /// Why the refund was made.
    pub reason: RefundReason,
    /// Note of the person who requested the refund.
    pub note: Option<String>,
}

wire_enum! {
    /// Why a charge was refused.
    pub enum PaymentFailure {
        /// The bank declined the charge.
        CardDeclined = "CARD_DECLINED",
        /// The account has insufficient funds.
        InsufficientFunds = "INSUFFICIENT_FUNDS",
        /// The customer did not authorise it.
        PaymentNotAuthorised = "PAYMENT_NOT_AUTHORISED",
    }
}

wire_enum! {
    /// Why a refund was made.
    pub enum RefundReason {
        /// The order was cancelled.
        OrderCancelled = "ORDER_CANCELLED",
        /// An operator of the shop requested the refund.
        Requested = "REQUESTED",
    }
}

event!(PaymentProcessed = "PaymentProcessed.v1", topic::PAYMENT_UPDATES);
event!(PaymentFailed = "PaymentFailed.v1", topic::PAYMENT_UPDATES);
event!(PaymentRefunded = "PaymentRefunded.v1", topic::PAYMENT_UPDATES);
