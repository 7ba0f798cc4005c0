//! The inputs of this service.

use derive_more::From;
use serde::Deserialize;

use crate::domain::{
    CancelOrder, OrderDelivered, OrderShipped, PaymentFailed, PaymentProcessed, PaymentRefunded, PlaceOrder,
    ProductChanged,
};

/// An input of any source. Names of events and reminders are stored and sent: never rename.
#[derive(Debug, Deserialize, From)]
pub enum Input {
    // events about an order
    #[serde(rename = "InventoryReserved.v1")]
    InventoryReserved,
    #[serde(rename = "InventoryInsufficient.v1")]
    InventoryInsufficient,
    #[serde(rename = "ReservationExpired.v1")]
    ReservationExpired,
    #[serde(rename = "PaymentProcessed.v1")]
    PaymentProcessed(PaymentProcessed),
    #[serde(rename = "PaymentFailed.v1")]
    PaymentFailed(PaymentFailed),
    #[serde(rename = "PaymentRefunded.v1")]
    PaymentRefunded(PaymentRefunded),
    #[serde(rename = "OrderShipped.v1")]
    OrderShipped(OrderShipped),
    #[serde(rename = "OrderDelivered.v1")]
    OrderDelivered(OrderDelivered),
    #[serde(rename = "ShipmentFailed.v1")]
    ShipmentFailed,
    #[serde(rename = "ShipmentCancelled.v1")]
    ShipmentCancelled,
    #[serde(rename = "ShipmentCancellationRefused.v1")]
    ShipmentCancellationRefused,
    // events about a product
    #[serde(rename = "ProductChanged.v1")]
    ProductChanged(ProductChanged),
    // reminders
    OrderDeadline,
    // commands
    #[serde(skip)]
    #[from(PlaceOrder)]
    PlaceOrder(Box<PlaceOrder>),
    #[serde(skip)]
    #[from]
    CancelOrder(CancelOrder),
}
