//! What the fulfillment service tells about the parcel.

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
    /// Who carries it.
    pub carrier: String,
    /// The carrier's number for it.
    pub tracking_number: String,
    /// When the carrier expects to hand it over.
    pub estimated_delivery: Timestamp,
}

/// The parcel has been handed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderDelivered {
    /// The shipment.
    pub shipment_id: Uuid,
    /// When, as the carrier says.
    pub delivered_at: Timestamp,
}

/// The carrier refused the parcel for good. A carrier that is down or slow is no failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentFailed {
    /// The carrier's words.
    pub reason: String,
}

/// There is no parcel, and there will be none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentCancelled {}

/// It was too late to cancel: the parcel goes its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentCancellationRefused {
    /// Why.
    pub why: CancellationRefusal,
}

wire_enum! {
    /// Why a shipment can't be cancelled any more.
    pub enum CancellationRefusal {
        /// The carrier has the parcel.
        AlreadyShipped = "ALREADY_SHIPPED",
        /// The customer has it.
        AlreadyDelivered = "ALREADY_DELIVERED",
    }
}

event!(OrderShipped = "OrderShipped.v1", topic::SHIPPING_UPDATES);
event!(OrderDelivered = "OrderDelivered.v1", topic::SHIPPING_UPDATES);
event!(ShipmentFailed = "ShipmentFailed.v1", topic::SHIPPING_UPDATES);
event!(ShipmentCancelled = "ShipmentCancelled.v1", topic::SHIPPING_UPDATES);
event!(ShipmentCancellationRefused = "ShipmentCancellationRefused.v1", topic::SHIPPING_UPDATES);
