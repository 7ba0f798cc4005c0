//! What is read from others' events, and reminders of our own.

use saga::Reminder;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Of `OrderCreated`, what stock needs to know.
#[derive(Debug, Deserialize)]
pub struct OrderCreated {
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub product_id: Uuid,
    pub quantity: u32,
}

/// Set when stock is reserved; leads to `ReservationExpired`.
#[derive(Debug, Serialize)]
pub struct ReservationDue;

impl Reminder for ReservationDue {
    const NAME: &'static str = "ReservationDue";
}
