//! The fulfillment service's events about the parcel.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Timestamp, event::event, topic, wire_enum::wire_enum};

/// The parcel is with the carrier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderShipped {
    /// The shipment.
    pub shipment_id: Uuid,
    /// Name of the carrier.
    pub carrier: String,
    /// The carrier's number of the parcel.
    pub tracking_number: String,
    /// When the carrier expects to deliver the parcel.
    pub estimated_delivery: Timestamp,
}

/// The carrier has delivered the parcel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderDelivered {
    /// The shipment.
    pub shipment_id: Uuid,
    /// Time of the delivery, as the carrier reported it.
    pub delivered_at: Timestamp,
}

/// The carrier refused the parcel permanently. A carrier that is down or slow does not cause this event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentFailed {
    /// The reason the carrier gave.
    pub reason: String,
}

/// The shipment is cancelled: no parcel exists, and none will be created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentCancelled {}

/// The shipment can no longer be cancelled. The delivery continues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentCancellationRefused {
    /// Why the shipment cannot be cancelled.
    pub why: CancellationRefusal,
}

wire_enum! {
    /// Why a shipment can no longer be cancelled.
    pub enum CancellationRefusal {
        /// The carrier has the parcel.
        AlreadyShipped = "ALREADY_SHIPPED",
        /// The customer has the parcel.
        AlreadyDelivered = "ALREADY_DELIVERED",
    }
}

event!(OrderShipped = "OrderShipped.v1", topic::SHIPPING_UPDATES);
event!(OrderDelivered = "OrderDelivered.v1", topic::SHIPPING_UPDATES);
event!(ShipmentFailed = "ShipmentFailed.v1", topic::SHIPPING_UPDATES);
event!(ShipmentCancelled = "ShipmentCancelled.v1", topic::SHIPPING_UPDATES);
event!(ShipmentCancellationRefused = "ShipmentCancellationRefused.v1", topic::SHIPPING_UPDATES);
