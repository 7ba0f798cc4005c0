//! The consumed events, with the fields that the figures use.

use events::{Currency, Money, OrderEndReason};
use serde::Deserialize;
use uuid::Uuid;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCreated {
    pub currency: Currency,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub product_id: Uuid,
    pub quantity: u32,
    pub price: Money,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PaymentProcessed {
    pub amount: Money,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PaymentFailed {
    pub reason: OrderEndReason,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefunded {
    pub refunded_total: Money,
}

#[derive(Debug, Clone, Deserialize)]
pub struct OrderCancelled {
    pub reason: OrderEndReason,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ProductChanged {
    pub name: String,
    pub version: i64,
}
