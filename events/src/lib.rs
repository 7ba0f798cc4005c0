#![doc = include_str!("../README.md")]

pub mod asyncapi;
pub mod choreography;
pub mod contract;
pub mod envelope;
pub mod saga_map;
pub mod service;
pub mod topic;

mod catalog;
mod event;
mod fulfillment;
mod inventory;
mod notification;
mod order;
mod payment;
mod types;
mod wire_enum;

pub use catalog::{Availability, ProductChanged};
pub use contract::{Contract, contracts};
pub use envelope::{Head, Received};
pub use event::Event;
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
