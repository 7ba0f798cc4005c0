//! The inventory service's events about the stock of an order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Timestamp, event::event, topic, wire_enum::wire_enum};

/// All items of the order are reserved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReserved {
    /// The reservations, one per product.
    pub reservations: Vec<ReservedItem>,
    /// Time at which `ReservationExpired` follows, unless the order is confirmed or cancelled before.
    pub expires_at: Timestamp,
}

/// Units of one product reserved for an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReservedItem {
    /// Which product.
    pub product_id: Uuid,
    /// How many units.
    pub quantity: u32,
    /// The reservation.
    pub reservation_id: Uuid,
}

/// Some items could not be reserved, so none is reserved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryInsufficient {
    /// The products without enough stock.
    pub missing: Vec<Shortage>,
}

/// A product without enough stock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shortage {
    /// Which product.
    pub product_id: Uuid,
    /// How many units were ordered.
    pub requested: u32,
    /// How many units were available.
    pub available: u32,
}

/// The stock reserved for the order is available again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReleased {
    /// Why the stock was released.
    pub reason: ReleaseReason,
}

/// The reservation's time is over. The stock stays reserved until the order service, the arbiter, has decided: the order may
/// have been confirmed, and `OrderConfirmed` may not have arrived yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReservationExpired {
    /// Time at which the reservation expired.
    pub expires_at: Timestamp,
}

wire_enum! {
    /// Why stock was released.
    pub enum ReleaseReason {
        /// The order was cancelled.
        OrderCancelled = "ORDER_CANCELLED",
        /// The order's payment was refused.
        PaymentFailed = "PAYMENT_FAILED",
    }
}

event!(InventoryReserved = "InventoryReserved.v1", topic::INVENTORY_UPDATES);
event!(InventoryInsufficient = "InventoryInsufficient.v1", topic::INVENTORY_UPDATES);
event!(InventoryReleased = "InventoryReleased.v1", topic::INVENTORY_UPDATES);
event!(ReservationExpired = "ReservationExpired.v1", topic::INVENTORY_UPDATES);
