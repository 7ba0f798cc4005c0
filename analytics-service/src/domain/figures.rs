//! The figures of one order or of many. Figures can be added and subtracted.

use std::{collections::BTreeMap, ops::AddAssign};

use events::{Currency, OrderEndReason};
use serde::{Deserialize, Serialize};

use super::{End, Facts, Histogram};

/// The number of orders in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    pub placed: i64,
    pub reserved: i64,
    pub confirmed: i64,
    pub shipped: i64,
    pub delivered: i64,
    pub cancelled: i64,
    pub failed: i64,
}

/// Money of one currency, in hundredths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Revenue {
    /// Orders that were charged.
    pub orders: i64,
    pub charged: i64,
    pub refunded: i64,
}

/// All figures of the orders placed in one bucket, except their sales.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    pub counts: Counts,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<OrderEndReason, i64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub revenue: BTreeMap<Currency, Revenue>,
    #[serde(skip_serializing_if = "Histogram::is_empty")]
    pub to_confirmed: Histogram,
    #[serde(skip_serializing_if = "Histogram::is_empty")]
    pub to_shipped: Histogram,
    #[serde(skip_serializing_if = "Histogram::is_empty")]
    pub to_delivered: Histogram,
}

impl Counts {
    /// Neither delivered, cancelled nor failed.
    pub fn open(&self) -> i64 {
        self.placed - self.delivered - self.cancelled - self.failed
    }

    fn add(&mut self, other: &Self, times: i64) {
        self.placed += other.placed * times;
        self.reserved += other.reserved * times;
        self.confirmed += other.confirmed * times;
        self.shipped += other.shipped * times;
        self.delivered += other.delivered * times;
        self.cancelled += other.cancelled * times;
        self.failed += other.failed * times;
    }
}

impl Revenue {
    pub fn net(&self) -> i64 {
        self.charged - self.refunded
    }

    /// Average amount of the orders that were charged.
    pub fn average(&self) -> i64 {
        self.charged.checked_div(self.orders).unwrap_or_default()
    }

    fn times(self, times: i64) -> Self {
        Self { orders: self.orders * times, charged: self.charged * times, refunded: self.refunded * times }
    }
}

impl AddAssign for Revenue {
    fn add_assign(&mut self, other: Self) {
        self.orders += other.orders;
        self.charged += other.charged;
        self.refunded += other.refunded;
    }
}

impl Figures {
    /// The contribution of one order: none until the time of its placing is known.
    pub fn of(order: &Facts) -> Self {
        let mut figures = Self::default();
        let Some(placed) = &order.placed else { return figures };
        figures.counts = Counts {
            placed: 1,
            reserved: order.reserved.is_some().into(),
            confirmed: order.confirmed.is_some().into(),
            shipped: order.shipped.is_some().into(),
            delivered: (order.end() == Some(End::Delivered)).into(),
            cancelled: matches!(order.end(), Some(End::Cancelled(_))).into(),
            failed: matches!(order.end(), Some(End::Failed(_))).into(),
        };
        if let Some(End::Cancelled(reason) | End::Failed(reason)) = order.end() {
            figures.reasons.insert(reason, 1);
        }
        let (charged, refunded) = (order.charged.unwrap_or_default(), order.refunded.unwrap_or_default());
        let revenue = Revenue { orders: order.charged.is_some().into(), charged, refunded };
        if revenue != Revenue::default() {
            figures.revenue.insert(placed.currency, revenue);
        }
        figures.to_confirmed = order.confirmed.map(|at| Histogram::of(at - placed.at)).unwrap_or_default();
        figures.to_shipped = order.shipped.map(|at| Histogram::of(at - placed.at)).unwrap_or_default();
        figures.to_delivered = order.delivered.map(|at| Histogram::of(at - placed.at)).unwrap_or_default();
        figures
    }

    /// Adds `other`, or subtracts it when `times` is -1. Removes entries that become zero: figures with equal entries
    /// compare equal, whatever the order of changes.
    pub fn add(&mut self, other: &Self, times: i64) {
        self.counts.add(&other.counts, times);
        for (reason, orders) in &other.reasons {
            add(&mut self.reasons, *reason, orders * times);
        }
        for (currency, revenue) in &other.revenue {
            add(&mut self.revenue, *currency, revenue.times(times));
        }
        self.to_confirmed.add(&other.to_confirmed, times);
        self.to_shipped.add(&other.to_shipped, times);
        self.to_delivered.add(&other.to_delivered, times);
    }
}

/// Adds to an entry. Removes the entry when it becomes zero.
pub(super) fn add<K: Ord, V: AddAssign + Default + PartialEq>(map: &mut BTreeMap<K, V>, key: K, value: V) {
    use std::collections::btree_map::Entry;
    match map.entry(key) {
        Entry::Vacant(vacant) => drop(vacant.insert(value)),
        Entry::Occupied(mut entry) => {
            *entry.get_mut() += value;
            if *entry.get() == V::default() {
                entry.remove();
            }
        }
    }
}
