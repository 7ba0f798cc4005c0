//! What callers see of an order. Commands are answered with these, so the domain knows them.

use events::{Currency, Money, OrderEndReason, OrderStatus, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::OrderSummary;

/// An order in short: the answer to who places one, and an item of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderReceipt {
    pub order_id: Uuid,
    #[schema(value_type = String, example = "PENDING")]
    pub status: OrderStatus,
    /// What people see.
    #[schema(example = "Order Placed")]
    pub status_text: String,
    /// Counts the order's transitions.
    pub version: i64,
    #[schema(value_type = String, example = "EUR")]
    pub currency: Currency,
    #[schema(value_type = String, example = "59.90")]
    pub total_amount: Money,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    pub links: Links,
}

/// Where an order stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderStatus)]
pub struct OrderStatusView {
    pub order_id: Uuid,
    #[schema(value_type = String, example = "SHIPPED")]
    pub status: OrderStatus,
    /// What people see.
    #[schema(example = "In Transit")]
    pub status_text: String,
    /// Why it ended without being delivered.
    #[schema(value_type = Option<String>, example = json!(null))]
    pub reason: Option<OrderEndReason>,
    /// Counts the order's transitions; also the `ETag`.
    pub version: i64,
    /// Of the last transition.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// Where more about an order is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Links {
    #[serde(rename = "self")]
    pub itself: String,
    pub status: String,
    pub history: String,
    pub events: String,
    pub cancellation: String,
}

impl Links {
    pub fn of(order: Uuid) -> Self {
        let itself = format!("/api/v1/orders/{order}");
        let below = |name| format!("{itself}/{name}");
        Self {
            status: below("status"),
            history: below("history"),
            events: below("events"),
            cancellation: below("cancellation"),
            itself,
        }
    }
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
            links: Links::of(order.id),
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
