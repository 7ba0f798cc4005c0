//! What comes in. Names of events and reminders are stored and sent: never rename.

use serde::Deserialize;

use crate::domain::events::{
    OrderCancelled, OrderCreated, PaymentFailed, PaymentProcessed, PaymentRefunded, ProductChanged,
};

/// The events that figures are made of. Other events are passed over.
#[derive(Debug, Clone, Deserialize)]
pub enum Input {
    #[serde(rename = "OrderCreated.v1")]
    OrderCreated(OrderCreated),
    #[serde(rename = "InventoryReserved.v1")]
    InventoryReserved,
    #[serde(rename = "PaymentProcessed.v1")]
    PaymentProcessed(PaymentProcessed),
    #[serde(rename = "PaymentFailed.v1")]
    PaymentFailed(PaymentFailed),
    #[serde(rename = "PaymentRefunded.v1")]
    PaymentRefunded(PaymentRefunded),
    #[serde(rename = "OrderConfirmed.v1")]
    OrderConfirmed,
    #[serde(rename = "OrderShipped.v1")]
    OrderShipped,
    #[serde(rename = "OrderDelivered.v1")]
    OrderDelivered,
    #[serde(rename = "OrderCancelled.v1")]
    OrderCancelled(OrderCancelled),
    #[serde(rename = "ProductChanged.v1")]
    ProductChanged(ProductChanged),
}
