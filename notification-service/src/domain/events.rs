//! The fields this service reads of other services' events.

use events::{Currency, Customer, Money, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCreated {
    pub customer_id: Uuid,
    pub customer: Customer,
    pub currency: Currency,
    pub total_amount: Money,
    pub items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub product_name: String,
    pub quantity: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderShipped {
    pub carrier: String,
    pub tracking_number: String,
    pub estimated_delivery: Timestamp,
}

/// The reason is text: an unknown one must not fail the input.
#[derive(Debug, Deserialize)]
pub struct OrderCancelled {
    pub reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefunded {
    pub refund_id: Uuid,
    pub amount: Money,
    pub currency: Currency,
}

#[derive(Debug, Deserialize)]
pub struct OrderStatusChanged {
    pub status: Status,
    /// The reason is text: an unknown one must not fail the input.
    pub reason: Option<String>,
}

/// `FAILED` is the only status without an event of its own; the others are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Status {
    #[serde(rename = "FAILED")]
    Failed,
    #[serde(other)]
    Other,
}
