//! The names of the topics. Never rename: records and offsets are stored under them.

/// New orders, requested cancellations and cancelled orders.
pub const ORDERS_IN: &str = "orders-in";
/// Stock reserved, insufficient, released; reservations expired.
pub const INVENTORY_UPDATES: &str = "inventory-updates";
/// Payments made, refused, refunded.
pub const PAYMENT_UPDATES: &str = "payment-updates";
/// Confirmed orders, ready to ship: stock reserved and payment made.
pub const ORDERS_VALIDATED: &str = "orders-validated";
/// Progress of the shipment.
pub const SHIPPING_UPDATES: &str = "shipping-updates";
/// Every transition of an order, for systems that display orders. Compacted.
pub const ORDER_STATUS: &str = "order-status";
/// Notifications sent and failed.
pub const NOTIFICATION_UPDATES: &str = "notification-updates";
/// Products with name, price and availability. Compacted, keyed by product.
pub const CATALOG: &str = "catalog";

/// The topic for copies of a topic's dead letters. `bus.dead_letter_topic` may give it another name on the bus.
pub fn dead_letters(topic: &str) -> String {
    format!("{topic}{DEAD_LETTERS}")
}

/// The topic of a dead-letter topic; `None` when the name is that of an event topic.
pub fn of_dead_letters(dead_letters: &str) -> Option<&str> {
    dead_letters.strip_suffix(DEAD_LETTERS)
}

const DEAD_LETTERS: &str = ".DLQ";
