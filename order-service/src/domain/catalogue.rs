//! The read model of the catalogue: what orders are checked against.

use events::{Currency, Money};
use saga::Verdict::{self, Done, Ignored};
use uuid::Uuid;
use web::FieldError;

use super::{ProductChanged, WantedItem};
use crate::store::{Orders, Product, Wire};

impl Orders {
    /// `ProductChanged`: keeps the newest.
    pub fn product_changed(&mut self, id: Uuid, news: &ProductChanged) -> Verdict {
        let product = Product {
            id,
            name: news.name.clone(),
            price_minor: news.price.minor(),
            currency: Wire(news.currency),
            version: news.version,
        };
        match self.products.get_mut(&id) {
            None => drop(self.products.insert(product)),
            Some(known) if known.version < news.version => *known = product,
            Some(_) => return Ignored("not newer than what is known"),
        }
        Done
    }
}

/// Everything the catalogue has against these items: products it does not know, prices that are not its own, a currency
/// that is not the product's. `currency` is `None` when the order's own is no good anyway.
pub fn objections<'a>(
    items: impl IntoIterator<Item = &'a WantedItem>,
    currency: Option<Currency>,
    find: impl Fn(&Uuid) -> Option<&'a Product>,
) -> Vec<FieldError> {
    let mut found = vec![];
    for (index, item) in items.into_iter().enumerate() {
        let Some(product) = find(&item.product_id) else {
            let field = format!("items[{index}].productId");
            found.push(FieldError::new(field, "unknown_product", "there is no such product"));
            continue;
        };
        let price = Money::from_minor(product.price_minor);
        if currency.is_some_and(|currency| currency != *product.currency) {
            let message = format!("items[{index}] is sold in {}", product.currency);
            found.push(FieldError::new("currency", "currency_mismatch", message));
        } else if price != item.price {
            let message = format!("is {price} {} now", product.currency);
            found.push(FieldError::new(format!("items[{index}].price"), "price_changed", message));
        }
    }
    found
}
