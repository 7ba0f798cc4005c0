//! Loads and saves the rows that a batch may change.

use futures_util::future;
use saga::{Delivery, Seen, Workset};
use store::{Rows, StoreError, Tx};
use uuid::Uuid;

use crate::{domain::Orders, inputs::Input};

impl Workset<Input> for Orders {
    async fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        let (mut orders, mut details, mut products, mut catalogue_changes) = (vec![], vec![], vec![], false);
        for it in batch {
            match &it.input {
                // The order's id is new: there is no row to load.
                Input::PlaceOrder(command) => products.extend(command.items.iter().map(|item| item.product_id)),
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
        let details = Rows::read(tx, details); // details never change
        // New orders only read products. Locks would make concurrent orders for a popular product wait for each other.
        let products =
            async { if catalogue_changes { Rows::lock(tx, products).await } else { Rows::read(tx, products).await } };
        let (orders, details, products) = future::try_join3(orders, details, products).await?;
        Ok(Self { orders, details, products })
    }

    fn seen(&mut self, key: Uuid) -> Option<&mut Seen> {
        Some(&mut self.orders.loaded_mut(&key)?.seen)
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.orders.save(tx).await?;
        self.details.save(tx).await?;
        self.products.save(tx).await
    }
}

impl Input {
    /// Whether the decision publishes what was ordered.
    fn needs_details(&self) -> bool {
        matches!(self, Self::PaymentProcessed(_))
    }
}
