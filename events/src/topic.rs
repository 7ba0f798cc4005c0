//! The names of the topics. Never rename: records and offsets live under them.

/// Orders taken, and what ends them.
pub const ORDERS_IN: &str = "orders-in";
/// Stock reserved, refused, given back.
pub const INVENTORY_UPDATES: &str = "inventory-updates";
/// Money taken, refused, paid back.
pub const PAYMENT_UPDATES: &str = "payment-updates";
/// Orders that may be shipped: stock reserved and paid.
pub const ORDERS_VALIDATED: &str = "orders-validated";
/// What happens to the parcel.
pub const SHIPPING_UPDATES: &str = "shipping-updates";
/// Every transition of an order, for anyone outside. Compacted.
pub const ORDER_STATUS: &str = "order-status";
/// Messages sent to customers.
pub const NOTIFICATION_UPDATES: &str = "notification-updates";
/// Products as others need to know them. Compacted, keyed by product.
pub const CATALOG: &str = "catalog";

/// The topic that copies of a topic's dead letters are stored for. An installation may give it another name on the bus.
pub fn dead_letters(topic: &str) -> String {
    format!("{topic}{DEAD_LETTERS}")
}

/// The topic whose dead letters these are; `None` for a topic of events.
pub fn of_dead_letters(dead_letters: &str) -> Option<&str> {
    dead_letters.strip_suffix(DEAD_LETTERS)
}

const DEAD_LETTERS: &str = ".DLQ";
