//! What is read from others' events, and the reminder that leads back here.

use events::{Currency, Money, PaymentFailure, Timestamp};
use saga::Reminder;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentProcessed {
    pub payment_id: Uuid,
    pub amount: Money,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentFailed {
    pub reason: PaymentFailure,
    pub amount: Money,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefunded {
    pub payment_id: Uuid,
    /// What has been paid back so far, so that a repeat adds nothing.
    pub refunded_total: Money,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderShipped {
    pub shipment_id: Uuid,
    pub carrier: String,
    pub tracking_number: String,
    pub estimated_delivery: Timestamp,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderDelivered {
    pub shipment_id: Uuid,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ProductChanged {
    pub name: String,
    pub price: Money,
    pub currency: Currency,
    pub version: i64,
}

/// Set when an order is placed: one that is not confirmed by then is cancelled.
#[derive(Debug, Serialize)]
pub struct OrderDeadline;

impl Reminder for OrderDeadline {
    const NAME: &'static str = "OrderDeadline";
}
