//! The JSON columns of an order's row, and the transition from one status to the next.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use events::{Address, Customer, Item, Money, OrderStatus, OrderStatusChanged, PaymentDetails, Timestamp};
use saga::Consequences;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    HistoryEntry,
    rows::{Order, OrderSummary, Wire},
};

/// What was ordered, by whom, and where it goes. Never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    pub customer: Customer,
    pub shipping_address: Address,
    pub items: Vec<Item>,
    pub payment: PaymentDetails,
}

/// The payment, the shipment and the history of an order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    #[serde(with = "super::history")]
    pub history: Vec<HistoryEntry>,
    pub payment: Option<PaymentView>,
    pub shipment: Option<ShipmentView>,
    /// The note of the cancellation request.
    pub note: Option<String>,
    pub sequences: Sequences,
}

/// The number of events published about the order on each of this service's topics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sequences {
    pub orders_in: i64,
    pub orders_validated: i64,
    pub order_status: i64,
}

/// The cause of a transition: a command, a reminder, or an event (only an event has an id).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "PaymentProcessed")]
    pub kind: Cow<'static, str>,
    pub event_id: Option<Uuid>,
}

impl Cause {
    pub fn new(kind: &'static str, event_id: Option<Uuid>) -> Self {
        Self { kind: kind.into(), event_id }
    }
}

/// The payment, as far as this service knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentView {
    pub status: PaymentStatus,
    /// `None` when the payment was declined.
    pub payment_id: Option<Uuid>,
    pub amount: Money,
    pub refunded: Money,
}

/// The state of the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentStatus {
    /// Also when a part was refunded.
    Charged,
    Declined,
    /// All of it was refunded.
    Refunded,
}

/// The shipment, as far as this service knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderShipment)]
pub struct ShipmentView {
    pub status: ShipmentStatus,
    pub shipment_id: Option<Uuid>,
    pub carrier: Option<String>,
    pub tracking_number: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub estimated_delivery: Option<Timestamp>,
}

/// The state of the shipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShipmentStatus {
    Shipped,
    Delivered,
    /// The carrier refused the parcel.
    Failed,
    Cancelled,
}

impl ShipmentView {
    pub(super) fn new(status: ShipmentStatus) -> Self {
        Self { status, shipment_id: None, carrier: None, tracking_number: None, estimated_delivery: None }
    }
}

impl Order {
    pub fn summary(&self) -> OrderSummary {
        OrderSummary {
            id: self.id,
            customer_id: self.customer_id,
            status: self.status,
            reason: self.reason,
            version: self.version,
            currency: self.currency,
            total_minor: self.total_minor,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// The order is not confirmed yet: the first result of stock, payment or deadline decides.
    pub(super) fn is_early(&self) -> bool {
        matches!(*self.status, OrderStatus::Pending | OrderStatus::Reserved)
    }

    /// A shipment is requested, and no event about the parcel has arrived.
    pub(super) fn awaits_parcel(&self) -> bool {
        matches!(*self.status, OrderStatus::Confirmed | OrderStatus::Cancelling)
    }

    /// A transition. Only this method changes the status; it adds the history entry and publishes the event.
    pub(super) fn enter(&mut self, status: OrderStatus, by: Cause, out: &mut Consequences) {
        let previous = (self.version > 0).then_some(*self.status);
        let now: DateTime<Utc> = out.now();
        self.version += 1;
        self.status = Wire(status);
        self.updated_at = now;
        let Progress { history, shipment, sequences, .. } = &mut self.progress.0;
        let trace_id = out.trace().id();
        history.push(HistoryEntry { version: self.version, status, at: now.into(), cause: by, trace_id });
        let changed = OrderStatusChanged {
            customer_id: self.customer_id,
            status,
            previous,
            status_text: status.text().into(),
            reason: self.reason.as_deref().copied(),
            version: self.version,
            tracking_number: shipment.as_ref().and_then(|parcel| parcel.tracking_number.clone()),
        };
        out.publish(&mut sequences.order_status, &changed);
    }
}
