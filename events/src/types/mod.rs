//! The value types of the events.

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
    /// The product.
    pub product_id: Uuid,
    /// The product's name at the time of the order.
    pub product_name: String,
    /// How many units.
    pub quantity: u32,
    /// Price of one unit, in the order's currency.
    pub price: Money,
}

impl Item {
    /// Price times quantity; `None` on overflow.
    pub fn line_total(&self) -> Option<Money> {
        self.price.checked_mul(self.quantity)
    }
}
