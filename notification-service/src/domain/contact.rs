//! The customer's contact data for an order.

use saga::Verdict::{self, Done, Ignored};
use serde::{Deserialize, Serialize};
use store::Json;
use uuid::Uuid;

use super::events::{Item, OrderCreated};
use super::rows::{Contact, Work};

/// The ordered items, as far as a message names them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Items {
    pub lines: Vec<Line>,
    /// How many more lines the order has.
    pub more: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub quantity: u32,
    pub name: String,
}

/// These limits keep the contact's row small, however long the order is.
const MAX_LINES: usize = 5;
const MAX_NAME: usize = 60;

impl Items {
    fn of(items: &[Item]) -> Self {
        let line = |item: &Item| Line { quantity: item.quantity, name: shortened(&item.product_name) };
        Self { lines: items.iter().take(MAX_LINES).map(line).collect(), more: items.len().saturating_sub(MAX_LINES) }
    }
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

impl Work {
    /// `OrderCreated`: records the contact.
    pub fn record_contact(&mut self, order_id: Uuid, order: &OrderCreated) -> Verdict {
        if self.contacts.get(&order_id).is_some() {
            return Ignored("the contact is already recorded");
        }
        let customer = &order.customer;
        self.contacts.insert(Contact {
            order_id,
            customer_id: order.customer_id,
            name: customer.name.0.clone(),
            email: customer.email.0.clone(),
            phone: customer.phone.clone().map(|phone| phone.0),
            language: customer.language.clone(),
            currency: order.currency.to_string(),
            total_minor: order.total_amount.minor(),
            items: Json(Items::of(&order.items)),
        });
        Done
    }
}
