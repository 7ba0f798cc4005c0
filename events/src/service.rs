//! The short names of the services: consumer group, inbox key and owner of topics. Never rename.

/// Accepts orders and decides their final status.
pub const ORDER: &str = "order";
/// Products, stock, reservations.
pub const INVENTORY: &str = "inventory";
/// Charges and refunds.
pub const PAYMENT: &str = "payment";
/// Shipments and the carrier.
pub const FULFILLMENT: &str = "fulfillment";
/// E-mail, SMS, webhooks.
pub const NOTIFICATION: &str = "notification";
/// Reports, the saga ledger, the audit.
pub const ANALYTICS: &str = "analytics";

/// Every service, in the order of the saga's steps.
pub const ALL: [&str; 6] = [ORDER, INVENTORY, PAYMENT, FULFILLMENT, NOTIFICATION, ANALYTICS];
