//! The sum of the figures of a window.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use events::Currency;

use super::{Figures, Revenue, Sales, Window};

/// The figures of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    pub window: Window,
    pub total: Figures,
    /// Every bucket of the window, including those without orders.
    pub series: Vec<Point>,
    /// Figures of the previous window.
    pub previous: Figures,
    pub sales: Sales,
}

/// One bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub at: DateTime<Utc>,
    pub figures: Figures,
}

impl Overview {
    /// `figures`: of this window and the previous one, by the start of each bucket.
    pub fn new(window: Window, mut figures: BTreeMap<DateTime<Utc>, Figures>, sales: Sales) -> Self {
        let series: Vec<Point> =
            window.starts().map(|at| Point { at, figures: figures.remove(&at).unwrap_or_default() }).collect();
        let sum = |figures: &mut dyn Iterator<Item = &Figures>| {
            figures.fold(Figures::default(), |mut sum, one| {
                sum.add(one, 1);
                sum
            })
        };
        let total = sum(&mut series.iter().map(|point| &point.figures));
        let previous = sum(&mut figures.range(window.previous().from..window.from).map(|(_, figures)| figures));
        Self { window, total, series, previous, sales }
    }

    /// Revenue by currency; the currency of the most charged orders first.
    pub fn revenue(&self) -> Vec<(Currency, Revenue)> {
        let mut revenue: Vec<_> = self.total.revenue.iter().map(|(currency, revenue)| (*currency, *revenue)).collect();
        revenue.sort_by_key(|(_, revenue)| std::cmp::Reverse(revenue.orders)); // stable: ties by name
        revenue
    }

    /// The currency of amounts that are given in one currency only.
    pub fn leading_currency(&self) -> Option<Currency> {
        self.revenue().first().map(|(currency, _)| *currency)
    }
}
