//! An order as responses contain it, with links.

use events::{Currency, Money, OrderStatus, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{OrderReceipt, rows::OrderSummary};

/// An order in short: the reply to a new order, and an item of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderReceipt)]
pub struct ReceiptView {
    order_id: Uuid,
    #[schema(value_type = String, example = "PENDING")]
    status: OrderStatus,
    /// The status in words, for display.
    #[schema(example = "Order Placed")]
    status_text: String,
    /// The number of transitions.
    version: i64,
    #[schema(value_type = String, example = "EUR")]
    currency: Currency,
    #[schema(value_type = String, example = "59.90")]
    total_amount: Money,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    links: Links,
}

/// Paths of an order's resources.
#[derive(Debug, Serialize, ToSchema)]
pub struct Links {
    #[serde(rename = "self")]
    itself: String,
    status: String,
    history: String,
    events: String,
    cancellation: String,
}

/// The path of an order.
pub fn path(order: Uuid) -> String {
    format!("/api/v1/orders/{order}")
}

impl Links {
    pub fn of(order: Uuid) -> Self {
        let itself = path(order);
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

impl From<OrderReceipt> for ReceiptView {
    fn from(receipt: OrderReceipt) -> Self {
        let OrderReceipt { order_id, status, status_text, version, currency, total_amount, created_at } = receipt;
        let links = Links::of(order_id);
        Self { order_id, status, status_text, version, currency, total_amount, created_at, links }
    }
}

impl From<OrderSummary> for ReceiptView {
    fn from(order: OrderSummary) -> Self {
        OrderReceipt::from(&order).into()
    }
}
