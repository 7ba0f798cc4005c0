//! The read model of the catalogue, which orders are checked against.

use events::{Currency, Money};
use saga::Verdict::{self, Done, Ignored};
use uuid::Uuid;

use super::{ProductChanged, WantedItem};
use crate::store::{Orders, Product, Wire};

impl Orders {
    /// `ProductChanged`: keeps the newest.
    pub fn product_changed(&mut self, id: Uuid, changed: &ProductChanged) -> Verdict {
        let product = Product {
            id,
            name: changed.name.clone(),
            price_minor: changed.price.minor(),
            currency: Wire(changed.currency),
            version: changed.version,
        };
        match self.products.get_mut(&id) {
            None => drop(self.products.insert(product)),
            Some(known) if known.version < changed.version => *known = product,
            Some(_) => return Ignored("not newer than what is known"),
        }
        Done
    }
}

/// Why an order cannot be placed as it is. `index`: of the item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    UnknownProduct {
        index: usize,
    },
    /// The product is sold in another currency.
    CurrencyMismatch {
        index: usize,
        sold_in: Currency,
    },
    /// The product has another price than the customer has seen.
    PriceChanged {
        index: usize,
        price: Money,
        currency: Currency,
    },
    /// The total is more than can be counted.
    TotalOutOfRange,
}

/// All violations of the catalogue by these items. `currency` is `None` when the order's own is invalid anyway.
pub fn violations<'a>(
    items: impl IntoIterator<Item = &'a WantedItem>,
    currency: Option<Currency>,
    find: impl Fn(&Uuid) -> Option<&'a Product>,
) -> Vec<Violation> {
    let check = |(index, item): (usize, &WantedItem)| {
        let Some(product) = find(&item.product_id) else { return Some(Violation::UnknownProduct { index }) };
        let (price, sold_in) = (Money::from_minor(product.price_minor), *product.currency);
        if currency.is_some_and(|currency| currency != sold_in) {
            Some(Violation::CurrencyMismatch { index, sold_in })
        } else {
            (price != item.price).then_some(Violation::PriceChanged { index, price, currency: sold_in })
        }
    };
    items.into_iter().enumerate().filter_map(check).collect()
}
