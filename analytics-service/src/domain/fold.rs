//! From an event to the rows: note the fact, and let the figures follow.

use saga::Verdict::{self, Done, Ignored};
use store::{Json, Rows, Table};
use uuid::Uuid;

use super::{Bucket, Facts, Figures, Placed, Sales, events::ProductChanged};
use crate::store::{Work, figures, order, product, sales};

impl Work {
    /// Notes a fact about an order. What the order has contributed so far is taken away, and what it contributes now is
    /// added: whatever comes in whatever order, the figures are the sum over the orders' rows.
    pub fn note(&mut self, order_id: Uuid, happened: impl FnOnce(&mut Facts)) -> Verdict {
        let before = self.orders.get(&order_id).map(|order| order.facts.0.clone()).unwrap_or_default();
        let mut after = before.clone();
        happened(&mut after);
        if after == before {
            return Ignored("known already");
        }
        if before.sold() != after.sold() {
            self.count_sales(before.sold(), -1);
            self.count_sales(after.sold(), 1);
        }
        self.count(&before, -1);
        self.count(&after, 1);
        let empty = || order::Model { order_id, facts: Json::default() };
        get_or_insert(&mut self.orders, &order_id, empty).facts = Json(after);
        Done
    }

    fn count(&mut self, order: &Facts, times: i64) {
        let Some(placed) = &order.placed else { return };
        let contribution = Figures::of(order);
        for bucket in Bucket::ALL {
            let at = bucket.start(placed.at);
            let empty = || figures::Model { bucket, at, figures: Json::default() };
            get_or_insert(&mut self.figures, &(bucket, at), empty).figures.add(&contribution, times);
        }
    }

    fn count_sales(&mut self, sold: Option<&Placed>, times: i64) {
        let Some(placed) = sold else { return };
        for (shard, contribution) in Sales::of(placed) {
            for bucket in Bucket::ALL {
                let key = (bucket, bucket.start(placed.at), i16::from(shard));
                let empty = || sales::Model { bucket, at: key.1, shard: key.2, sales: Json::default() };
                get_or_insert(&mut self.sales, &key, empty).sales.add(&contribution, times);
            }
        }
    }

    /// A product's name, from its newest version.
    pub fn rename(&mut self, product_id: Uuid, told: &ProductChanged) -> Verdict {
        let empty = || product::Model { product_id, name: String::new(), version: i64::MIN };
        if self.products.get(&product_id).is_some_and(|known| known.version >= told.version) {
            return Ignored("an older version, or the same");
        }
        let product = get_or_insert(&mut self.products, &product_id, empty);
        (product.name, product.version) = (told.name.clone(), told.version);
        Done
    }
}

fn get_or_insert<'a, E: Table>(
    rows: &'a mut Rows<E>,
    key: &store::Key<E>,
    empty: impl FnOnce() -> E::Model,
) -> &'a mut E::Model {
    if rows.get(key).is_none() {
        return rows.insert(empty());
    }
    rows.get_mut(key).expect("just seen")
}
