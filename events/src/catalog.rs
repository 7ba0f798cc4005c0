//! The inventory service's events about products. Their key is the product id, because they belong to no order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Currency, Money, event::event, topic, wire_enum::wire_enum};

/// A product is new, or its name, price, currency or availability changed. Not published for every unit sold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductChanged {
    /// The product.
    pub product_id: Uuid,
    /// The shop's own number of the product.
    pub sku: String,
    /// The name shown to customers.
    pub name: String,
    /// Price of one unit.
    pub price: Money,
    /// Currency of the price. It never changes.
    pub currency: Currency,
    /// Whether the product is in stock.
    pub availability: Availability,
    /// Increases with every change. A consumer ignores a version older than the one it has.
    pub version: i64,
}

wire_enum! {
    /// Approximate stock of a product. The exact number would change with every order.
    pub enum Availability {
        /// In stock.
        In = "IN",
        /// Only a few units are left.
        Low = "LOW",
        /// Out of stock.
        Out = "OUT",
    }
}

event!(ProductChanged = "ProductChanged.v1", topic::CATALOG);
