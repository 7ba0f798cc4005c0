//! The answers of the API, as the contract describes them. Unused fields are left out. Values that
//! only one service defines are text, so that the checker, not the parser, judges an unknown value.

use std::collections::BTreeMap;

use events::{Currency, Money, OrderEndReason, OrderStatus, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::client::{CallError, Client};

/// A page of a list.
#[derive(Debug, Clone, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    #[serde(default)]
    pub next: Option<String>,
}

/// Every item of a list, page by page.
pub async fn all<T: DeserializeOwned>(client: &Client, path: &str) -> Result<Vec<T>, CallError> {
    let mut found = Vec::new();
    let joint = if path.contains('?') { '&' } else { '?' };
    let mut page: Page<T> = client.get(path).await?;
    loop {
        found.append(&mut page.items);
        let Some(cursor) = page.next else { return Ok(found) };
        page = client.get(&format!("{path}{joint}cursor={cursor}")).await?;
    }
}

/// An order in the answer to placing it, and in lists.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderSummary {
    pub order_id: Uuid,
    pub status: OrderStatus,
    pub status_text: String,
    pub version: i64,
    pub currency: Currency,
    pub total_amount: Money,
    pub created_at: Timestamp,
    pub links: BTreeMap<String, String>,
}

/// An order in full.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    pub order_id: Uuid,
    pub customer_id: Uuid,
    pub status: OrderStatus,
    pub status_text: String,
    pub reason: Option<OrderEndReason>,
    pub version: i64,
    pub currency: Currency,
    pub total_amount: Money,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub items: Vec<OrderItem>,
    pub payment: Option<OrderPayment>,
    pub shipment: Option<OrderShipment>,
    pub links: BTreeMap<String, String>,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderItem {
    pub product_id: Uuid,
    pub product_name: String,
    pub quantity: u32,
    pub price: Money,
    pub line_total: Money,
}

/// The payment as the order shows it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderPayment {
    pub status: String,
    pub payment_id: Option<Uuid>,
    pub amount: Money,
    pub refunded: Money,
}

/// The parcel as the order shows it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderShipment {
    pub status: String,
    pub carrier: Option<String>,
    pub tracking_number: Option<String>,
    pub estimated_delivery: Option<Timestamp>,
}

/// `…/status`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    pub order_id: Uuid,
    pub status: OrderStatus,
    pub status_text: String,
    pub reason: Option<OrderEndReason>,
    pub version: i64,
    pub updated_at: Timestamp,
}

/// A row of `…/history`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    pub version: i64,
    pub status: OrderStatus,
    pub at: Timestamp,
    pub cause: Cause,
}

/// The cause of a transition.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    #[serde(rename = "type")]
    pub kind: String,
    pub event_id: Option<Uuid>,
}

/// `…/cancellation`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancellationPreview {
    pub possible: bool,
    pub outcome: Option<String>,
    pub steps: Vec<String>,
    pub refund: Option<Amount>,
    pub why: Option<String>,
}

/// An amount in a currency.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Amount {
    pub amount: Money,
    pub currency: Currency,
}

/// A product and its stock.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    pub product_id: Uuid,
    pub sku: String,
    pub name: String,
    pub price: Money,
    pub currency: Currency,
    pub available: i64,
    pub reserved: i64,
    pub shipped: i64,
    pub version: i64,
}

/// Stock reserved for an order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    pub order_id: Uuid,
    pub product_id: Uuid,
    pub quantity: i64,
    pub status: String,
}

/// The payment service's view.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    pub order_id: Uuid,
    pub status: String,
    pub reason: Option<String>,
    pub currency: Option<Currency>,
    pub amount: Money,
    pub refunded: Money,
    #[serde(default)]
    pub attempts: Vec<PaymentAttempt>,
}

/// A call to the provider.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PaymentAttempt {
    pub operation: String,
    pub result: String,
}

/// The fulfillment service's view.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shipment {
    pub order_id: Uuid,
    pub status: String,
    pub tracking_number: Option<String>,
    pub carrier: Option<String>,
    pub estimated_delivery: Option<Timestamp>,
}

/// A message to a customer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    pub notification_id: Uuid,
    pub order_id: Uuid,
    pub event: String,
    pub channel: String,
    pub status: String,
    pub recipient: Option<String>,
    pub subject: Option<String>,
    pub body: Option<String>,
}

/// An entry in the ledger of the sandbox's provider or carrier.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    pub reference: Option<String>,
    pub idempotency_key: Option<String>,
    pub order_id: Uuid,
    pub operation: String,
    #[serde(default)]
    pub amount: Option<Money>,
    pub at: Timestamp,
}

/// The dashboard, without the fields that change with time.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    pub orders: OrderCounts,
    pub revenue: Vec<Revenue>,
    pub failures: Vec<FailureCount>,
    pub top_products: Vec<TopProduct>,
    pub funnel: Vec<FunnelStep>,
    pub series: Vec<serde_json::Value>,
}

/// Orders placed in the window, by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct OrderCounts {
    pub placed: u64,
    pub reserved: u64,
    pub confirmed: u64,
    pub shipped: u64,
    pub delivered: u64,
    pub cancelled: u64,
    pub failed: u64,
    pub open: u64,
}

/// Money of one currency.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Revenue {
    pub currency: Currency,
    pub charged: Money,
    pub refunded: Money,
    pub net: Money,
}

/// Number of orders that ended for a reason.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FailureCount {
    pub reason: String,
    pub orders: u64,
}

/// Units sold of a product.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopProduct {
    pub product_id: Uuid,
    pub units: u64,
    pub revenue: Money,
}

/// Number of orders that reached a step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FunnelStep {
    pub step: String,
    pub orders: u64,
}

/// A problem document.
#[derive(Debug, Clone, Deserialize)]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    #[serde(default)]
    pub detail: Option<String>,
    #[serde(default)]
    pub errors: Vec<FieldError>,
}

/// A violation in one field.
#[derive(Debug, Clone, Deserialize)]
pub struct FieldError {
    pub field: String,
    pub code: String,
    pub message: String,
}
