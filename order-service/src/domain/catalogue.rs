//! The read model of the catalogue. New orders are checked against it.

use events::{Currency, Money};
use saga::Verdict::{self, Done, Ignored};
use uuid::Uuid;

use super::{
    ProductChanged, RequestedItem,
    rows::{Orders, Product, Wire},
};

impl Orders {
    /// `ProductChanged`: keeps the newest version.
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
            Some(_) => return Ignored("the known version is as new"),
        }
        Done
    }
}

/// Why an order cannot be placed. `index` is the position of the item in the order.
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
    /// The current price differs from the price in the order.
    PriceChanged {
        index: usize,
        price: Money,
        currency: Currency,
    },
    /// The total overflows.
    TotalOutOfRange,
}

/// All violations by these items. `currency` is `None` when the currency of the order is invalid.
pub fn violations<'a>(
    items: impl IntoIterator<Item = &'a RequestedItem>,
    currency: Option<Currency>,
    find: impl Fn(&Uuid) -> Option<&'a Product>,
) -> Vec<Violation> {
    let check = |(index, item): (usize, &RequestedItem)| {
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
