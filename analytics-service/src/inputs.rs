//! The inputs of this service.

use serde::Deserialize;

use crate::domain::events::{
    OrderCancelled, OrderCreated, PaymentFailed, PaymentProcessed, PaymentRefunded, ProductChanged,
};

/// The events that the figures are computed from. Other events are skipped. Names are sent: never rename.
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
