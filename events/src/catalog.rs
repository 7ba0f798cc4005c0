//! What the inventory service tells about products. Keyed by product: it belongs to no order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Currency, Money, event::event, topic, wire_enum::wire_enum};

/// A product is new, or its name, price, currency or availability changed. Not told for every unit sold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductChanged {
    /// The product.
    pub product_id: Uuid,
    /// The shop's own number for it.
    pub sku: String,
    /// What customers see.
    pub name: String,
    /// Of one unit.
    pub price: Money,
    /// Of the price. Never changes once set.
    pub currency: Currency,
    /// Whether it can be had.
    pub availability: Availability,
    /// Rises with every change: an older one is not to overwrite a newer one.
    pub version: i64,
}

wire_enum! {
    /// How much of a product there is, roughly: the exact number changes with every order.
    pub enum Availability {
        /// Enough.
        In = "IN",
        /// Only a few.
        Low = "LOW",
        /// None.
        Out = "OUT",
    }
}

event!(ProductChanged = "ProductChanged.v1", topic::CATALOG);
