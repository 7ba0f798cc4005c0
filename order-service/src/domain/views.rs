//! The replies to commands. Replies are stored: never rename a field.

use events::{Currency, Money, OrderEndReason, OrderStatus, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::rows::OrderSummary;

/// An order that was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderReceipt {
    pub order_id: Uuid,
    pub status: OrderStatus,
    pub status_text: String,
    pub version: i64,
    pub currency: Currency,
    pub total_amount: Money,
    pub created_at: Timestamp,
}

/// The status of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderStatus)]
pub struct OrderStatusView {
    pub order_id: Uuid,
    #[schema(value_type = String, example = "SHIPPED")]
    pub status: OrderStatus,
    /// The status in words, for display.
    #[schema(example = "In Transit")]
    pub status_text: String,
    /// Why the order ended without delivery.
    #[schema(value_type = Option<String>, example = json!(null))]
    pub reason: Option<OrderEndReason>,
    /// The number of transitions; also the `ETag`.
    pub version: i64,
    /// Of the last transition.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl From<&OrderSummary> for OrderReceipt {
    fn from(order: &OrderSummary) -> Self {
        Self {
            order_id: order.id,
            status: *order.status,
            status_text: order.status.text().into(),
            version: order.version,
            currency: *order.currency,
            total_amount: Money::from_minor(order.total_minor),
            created_at: order.created_at.into(),
        }
    }
}

impl From<&OrderSummary> for OrderStatusView {
    fn from(order: &OrderSummary) -> Self {
        Self {
            order_id: order.id,
            status: *order.status,
            status_text: order.status.text().into(),
            reason: order.reason.as_deref().copied(),
            version: order.version,
            updated_at: order.updated_at.into(),
        }
    }
}
