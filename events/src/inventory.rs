//! What the inventory service tells about orders' stock.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Timestamp, event::event, topic, wire_enum::wire_enum};

/// All items of the order are kept for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReserved {
    /// What is kept.
    pub reservations: Vec<ReservedItem>,
    /// When `ReservationExpired` follows, unless the order is confirmed or cancelled before.
    pub expires_at: Timestamp,
}

/// Units of one product kept for an order.
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

/// Not all items could be reserved, so none is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryInsufficient {
    /// Of what there was too little.
    pub missing: Vec<Shortage>,
}

/// A product of which there was too little.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shortage {
    /// Which product.
    pub product_id: Uuid,
    /// How many units the order wants.
    pub requested: u32,
    /// How many there were.
    pub available: u32,
}

/// What was kept for the order is for sale again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReleased {
    /// Why.
    pub reason: ReleaseReason,
}

/// The order has kept its stock for long enough. The stock stays kept until the order, the arbiter, has decided: it may
/// have been confirmed, and that news be on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReservationExpired {
    /// When its time was over.
    pub expires_at: Timestamp,
}

wire_enum! {
    /// Why stock was given back.
    pub enum ReleaseReason {
        /// The order was cancelled.
        OrderCancelled = "ORDER_CANCELLED",
        /// Its payment was refused.
        PaymentFailed = "PAYMENT_FAILED",
    }
}

event!(InventoryReserved = "InventoryReserved.v1", topic::INVENTORY_UPDATES);
event!(InventoryInsufficient = "InventoryInsufficient.v1", topic::INVENTORY_UPDATES);
event!(InventoryReleased = "InventoryReleased.v1", topic::INVENTORY_UPDATES);
event!(ReservationExpired = "ReservationExpired.v1", topic::INVENTORY_UPDATES);
