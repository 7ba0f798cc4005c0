//! Who is notified about an order.

use saga::Verdict::{self, Done, Ignored};
use serde::{Deserialize, Serialize};
use store::Json;
use uuid::Uuid;

use super::events::{Item, OrderCreated};
use crate::store::{Contact, Work};

/// What was ordered, as far as a message names it.
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

/// The contact's row is written with every message: it stays small, whatever was ordered.
const MOST_LINES: usize = 5;
const LONGEST_NAME: usize = 60;

impl Items {
    fn of(items: &[Item]) -> Self {
        let line = |item: &Item| Line { quantity: item.quantity, name: shortened(&item.product_name) };
        Self { lines: items.iter().take(MOST_LINES).map(line).collect(), more: items.len().saturating_sub(MOST_LINES) }
    }
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

impl Work {
    /// `OrderCreated`: notes the contact.
    pub fn note(&mut self, order_id: Uuid, order: &OrderCreated) -> Verdict {
        if self.contacts.get(&order_id).is_some() {
            return Ignored("noted before");
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
