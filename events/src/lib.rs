#![doc = include_str!("../README.md")]

pub mod choreography;
pub mod envelope;
pub mod service;
pub mod topic;

mod catalog;
mod fulfillment;
mod inventory;
mod notification;
mod order;
mod payment;
mod types;
mod wire_enum;

pub use catalog::{Availability, ProductChanged};
pub use envelope::{Head, Received};
pub use fulfillment::{
    CancellationRefusal, OrderDelivered, OrderShipped, ShipmentCancellationRefused, ShipmentCancelled, ShipmentFailed,
};
pub use inventory::{
    InventoryInsufficient, InventoryReleased, InventoryReserved, ReleaseReason, ReservationExpired, ReservedItem,
    Shortage,
};
pub use notification::{Channel, NotificationFailed, NotificationSent};
pub use order::{
    CancelReason, OrderCancellationRequested, OrderCancelled, OrderConfirmed, OrderCreated, OrderEndReason,
    OrderStatus, OrderStatusChanged, PaymentDetails,
};
pub use payment::{PaymentFailed, PaymentFailure, PaymentProcessed, PaymentRefunded, RefundReason};
pub use types::{
    Address, Currency, Customer, Item, Money, Personal, Recipient, Timestamp, UnsupportedCurrency, WrongMoney,
};
pub use wire_enum::UnknownName;

/// Something that happened, told to other services. The value holds the event's own fields; what every event carries
/// besides them is [`envelope::Head`].
pub trait Event: serde::Serialize {
    /// Name and version as sent in `ce_type`, such as `OrderCreated.v1`. Never rename: it is in every stored record.
    const TYPE: &'static str;
    /// Where it is published. Never move: readers would miss it.
    const TOPIC: &'static str;
}
