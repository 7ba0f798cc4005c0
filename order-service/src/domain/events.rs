//! The fields read from events of other services, and the reminder of this service.

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
    /// The sum of all refunds so far; a duplicate event adds nothing.
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

/// Set when an order is placed. An order that is not confirmed by then is cancelled.
#[derive(Debug, Serialize)]
pub struct OrderDeadline;

impl Reminder for OrderDeadline {
    const NAME: &'static str = "OrderDeadline";
}
