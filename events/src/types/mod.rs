//! The small values events are made of.

mod currency;
mod money;
mod person;
mod personal;
mod timestamp;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use currency::{Currency, UnsupportedCurrency};
pub use money::{Money, WrongMoney};
pub use person::{Address, Customer, Recipient};
pub use personal::Personal;
pub use timestamp::Timestamp;

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Which product.
    pub product_id: Uuid,
    /// Its name when it was ordered.
    pub product_name: String,
    /// How many units.
    pub quantity: u32,
    /// Price of one unit, in the order's currency.
    pub price: Money,
}

impl Item {
    /// Price times quantity; `None` when that is more than money can count.
    pub fn line_total(&self) -> Option<Money> {
        self.price.checked_mul(self.quantity)
    }
}
