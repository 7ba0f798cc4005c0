//! The tables, and the rows of them that a batch may touch.

pub mod details;
pub mod order;
pub mod product;
pub mod queries;
mod statuses;
mod wire;

use futures_util::future;
use saga::{Delivery, Workset};
use store::{Rows, StoreError, Tx};

use crate::inputs::Input;
pub use details::Model as OrderDetails;
pub use order::{Model as Order, OrderSummary};
pub use product::Model as Product;
pub use statuses::{KnownStatus, Statuses};
pub use wire::Wire;

/// What this service decides over: orders, what was ordered, and the products that new ones are checked against.
#[derive(Debug, Default, Clone)]
pub struct Orders {
    pub orders: Rows<order::Entity>,
    pub details: Rows<details::Entity>,
    pub products: Rows<product::Entity>,
}

impl Workset<Input> for Orders {
    async fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        let (mut orders, mut details, mut products, mut catalogue_changes) = (vec![], vec![], vec![], false);
        for it in batch {
            match &it.input {
                // Its id is fresh: there is no row to look for.
                Input::PlaceOrder(wanted) => products.extend(wanted.items.iter().map(|item| item.product_id)),
                Input::ProductChanged(_) => {
                    products.push(it.key);
                    catalogue_changes = true;
                }
                input => {
                    orders.push(it.key);
                    if input.needs_details() {
                        details.push(it.key);
                    }
                }
            }
        }
        let orders = Rows::lock(tx, orders);
        let details = Rows::read(tx, details); // they never change
        // Orders only look products up: were they to lock them, orders for a popular one would wait for each other.
        let products =
            async { if catalogue_changes { Rows::lock(tx, products).await } else { Rows::read(tx, products).await } };
        let (orders, details, products) = future::try_join3(orders, details, products).await?;
        Ok(Self { orders, details, products })
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.orders.save(tx).await?;
        self.details.save(tx).await?;
        self.products.save(tx).await
    }
}
