//! Loads and saves the rows that a batch may change, and queries them for the HTTP API.

pub mod read;

use futures_util::future;
use saga::{Delivery, Seen, Workset};
use store::{Rows, StoreError, Tx};
use uuid::Uuid;

use crate::{
    domain::{Bucket, Millis, Sales, Work, rows::order},
    inputs::Input,
};

impl Workset<Input> for Work {
    async fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        let is_product = |it: &&&Delivery<Input>| matches!(it.input, Input::ProductChanged(_));
        let of_orders = || batch.iter().filter(|it| !is_product(it));
        let orders = Rows::<order::Entity>::lock(tx, keys(of_orders()));
        let products = Rows::lock(tx, keys(batch.iter().filter(is_product)));
        let (orders, products) = future::try_join(orders, products).await?;

        let (mut figures, mut sales) = (vec![], vec![]);
        for it in of_orders() {
            let may_sell = it.input.may_sell();
            let mut add_keys = |at: Millis, items: &mut dyn Iterator<Item = Uuid>| {
                let buckets = Bucket::ALL.map(|bucket| (bucket, bucket.start(at)));
                figures.extend(buckets);
                if may_sell {
                    let shards = items.map(|product| i16::from(Sales::shard(product)));
                    sales.extend(shards.flat_map(|shard| buckets.map(|(bucket, at)| (bucket, at, shard))));
                }
            };
            if let Some(placed) = orders.get(&it.key).and_then(|order| order.facts.placed.as_ref()) {
                add_keys(placed.at, &mut placed.items.iter().map(|item| item.product_id));
            }
            if let Input::OrderCreated(order) = &it.input {
                add_keys(it.at.timestamp_millis(), &mut order.items.iter().map(|item| item.product_id));
            }
        }
        let (figures, sales) = future::try_join(Rows::lock(tx, figures), Rows::lock(tx, sales)).await?;
        Ok(Self { orders, products, figures, sales })
    }

    /// The rows make repeats harmless: every fact about an order is recorded once.
    fn seen(&mut self, _: Uuid) -> Option<&mut Seen> {
        None
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.orders.save(tx).await?;
        self.products.save(tx).await?;
        self.figures.save(tx).await?;
        self.sales.save(tx).await
    }
}

fn keys<'a>(deliveries: impl Iterator<Item = &'a &'a Delivery<Input>>) -> Vec<Uuid> {
    deliveries.map(|it| it.key).collect()
}

impl Input {
    /// Whether the event may change the sales of its order (see `Facts::sold`).
    fn may_sell(&self) -> bool {
        matches!(self, Self::OrderCreated(_) | Self::PaymentProcessed(_) | Self::OrderCancelled(_))
    }
}
