//! From an event to the rows: record the fact, then update the figures.

use saga::Verdict::{self, Done, Ignored};
use store::{Json, Rows, Table};
use uuid::Uuid;

use super::{
    Bucket, Facts, Figures, Placed, Sales, Work,
    events::ProductChanged,
    rows::{figures, order, product, sales},
};

impl Work {
    /// Records a fact of an order. Subtracts the order's previous contribution from the figures and adds the new one:
    /// the figures are always the sum over the orders' rows, whatever the order of events.
    pub fn record(&mut self, order_id: Uuid, set_fact: impl FnOnce(&mut Facts)) -> Verdict {
        let before = self.orders.get(&order_id).map(|order| order.facts.0.clone()).unwrap_or_default();
        let mut after = before.clone();
        set_fact(&mut after);
        if after == before {
            return Ignored("the fact is recorded already");
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

    /// Sets a product's name, unless the name of a newer version is known.
    pub fn rename(&mut self, product_id: Uuid, changed: &ProductChanged) -> Verdict {
        let empty = || product::Model { product_id, name: String::new(), version: i64::MIN };
        if self.products.get(&product_id).is_some_and(|known| known.version >= changed.version) {
            return Ignored("the version is not newer");
        }
        let product = get_or_insert(&mut self.products, &product_id, empty);
        (product.name, product.version) = (changed.name.clone(), changed.version);
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
    rows.get_mut(key).expect("present")
}
