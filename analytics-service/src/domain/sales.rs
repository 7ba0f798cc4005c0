//! Sales by product.

use std::{cmp::Reverse, collections::BTreeMap, ops::AddAssign};

use events::Currency;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Placed, figures};

/// The number of rows that hold the products of one bucket. An order writes the rows of its own products, not the whole
/// catalogue. Never change: the rows of stored sales would not be found.
pub const SHARDS: u8 = 16;

/// Units and money by currency and product.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sales(BTreeMap<Currency, BTreeMap<Uuid, Sold>>);

/// The sales of one product. Stored as a pair of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i64, i64)", into = "(i64, i64)")]
pub struct Sold {
    pub units: i64,
    /// In hundredths.
    pub revenue: i64,
}

impl Sales {
    /// The contribution of one order, by shard.
    pub fn of(order: &Placed) -> BTreeMap<u8, Self> {
        let mut shards = BTreeMap::<u8, Self>::new();
        for item in &order.items {
            let sales = shards.entry(Self::shard(item.product_id)).or_default();
            let sold = Sold { units: item.units, revenue: item.total };
            figures::add(sales.0.entry(order.currency).or_default(), item.product_id, sold);
        }
        shards
    }

    /// The shard of a product.
    pub fn shard(product: Uuid) -> u8 {
        product.as_bytes()[15] % SHARDS // the last byte of an id is random, the first bytes are not
    }

    /// Adds `other`, or subtracts it when `times` is -1.
    pub fn add(&mut self, other: &Self, times: i64) {
        for (currency, products) in &other.0 {
            let mine = self.0.entry(*currency).or_default();
            for (product, sold) in products {
                figures::add(mine, *product, Sold { units: sold.units * times, revenue: sold.revenue * times });
            }
            if mine.is_empty() {
                self.0.remove(currency);
            }
        }
    }

    /// All products, the one with the most units first.
    pub fn ranked(&self) -> Vec<(Uuid, Currency, Sold)> {
        let all =
            self.0.iter().flat_map(|(currency, products)| products.iter().map(|(id, sold)| (*id, *currency, *sold)));
        let mut ranked: Vec<_> = all.collect();
        ranked.sort_by_key(|(product, _, sold)| (Reverse((sold.units, sold.revenue)), *product));
        ranked
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl AddAssign for Sold {
    fn add_assign(&mut self, other: Self) {
        self.units += other.units;
        self.revenue += other.revenue;
    }
}

impl From<(i64, i64)> for Sold {
    fn from((units, revenue): (i64, i64)) -> Self {
        Self { units, revenue }
    }
}

impl From<Sold> for (i64, i64) {
    fn from(sold: Sold) -> Self {
        (sold.units, sold.revenue)
    }
}
