//! `GET /api/v1/analytics/dashboard`.

use std::collections::HashMap;

use axum::extract::State;
use chrono::{DateTime, Utc};
use events::{Currency, Money, OrderEndReason, Timestamp};
use saga::App;
use sea_orm::DbErr;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Json, Problem, Query};

use super::{
    Api, READ,
    period::{Period, Window},
    unreadable,
};
use crate::{
    domain::{self, Bucket, Counts, Histogram, Overview, Revenue},
    store::read,
};

/// The figures of a window: of the orders placed in it, by their current state.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    /// When these figures were read.
    #[schema(value_type = String, format = DateTime)]
    as_of: Timestamp,
    window: Window,
    orders: OrderCounts,
    /// By currency; the currency of the most charged orders first.
    revenue: Vec<CurrencyRevenue>,
    /// The number of orders that reached each step.
    funnel: Vec<FunnelStep>,
    failures: Vec<ReasonCount>,
    /// The ten products with the most units sold, by orders that were charged and not cancelled.
    top_products: Vec<TopProduct>,
    latency_ms: Latencies,
    series: Vec<SeriesPoint>,
    previous: PreviousWindow,
}

/// Orders by their current state.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct OrderCounts {
    placed: i64,
    reserved: i64,
    confirmed: i64,
    shipped: i64,
    delivered: i64,
    cancelled: i64,
    failed: i64,
    /// Neither delivered, cancelled nor failed.
    open: i64,
}

/// Money of one currency.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CurrencyRevenue {
    #[schema(value_type = String, example = "EUR")]
    currency: Currency,
    #[schema(value_type = String, example = "59.90")]
    charged: Money,
    #[schema(value_type = String, example = "0.00")]
    refunded: Money,
    #[schema(value_type = String, example = "59.90")]
    net: Money,
    /// Average of the orders that were charged.
    #[schema(value_type = String, example = "59.90")]
    average_order: Money,
}

/// A step of the funnel.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct FunnelStep {
    /// `placed`, `reserved`, `confirmed`, `shipped`, `delivered`.
    step: &'static str,
    orders: i64,
    /// Share of the placed orders: 0 to 1.
    share: f64,
}

/// Orders that ended for the same reason.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct ReasonCount {
    #[schema(value_type = String, example = "CARD_DECLINED")]
    reason: OrderEndReason,
    orders: i64,
}

/// The sales of one product.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TopProduct {
    product_id: Uuid,
    /// The product's id while its name is unknown.
    name: String,
    units: i64,
    #[schema(value_type = String, example = "59.90")]
    revenue: Money,
    #[schema(value_type = String, example = "EUR")]
    currency: Currency,
}

/// Latencies in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "named as on the wire")]
struct Latencies {
    placed_to_confirmed: Percentiles,
    placed_to_shipped: Percentiles,
    placed_to_delivered: Percentiles,
}

/// The error is at most 3.2 %; 0 without a measured value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Percentiles {
    pub p50: i64,
    pub p95: i64,
    pub p99: i64,
}

/// One step of the window.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct SeriesPoint {
    /// Start of the step.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    placed: i64,
    confirmed: i64,
    cancelled: i64,
    failed: i64,
    /// In the currency that comes first in `revenue`.
    #[schema(value_type = String, example = "59.90")]
    charged: Money,
}

/// The previous window of the same length.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct PreviousWindow {
    placed: i64,
    confirmed: i64,
    /// In the currency that comes first in `revenue`.
    #[schema(value_type = String, example = "59.90")]
    charged: Money,
}

const TOP: usize = 10;

/// The figures of the orders placed in a window.
#[utoipa::path(get, path = "/api/v1/analytics/dashboard", tag = "analytics", params(Period), responses(
    (status = 200, body = Dashboard),
    (status = 400, description = "A parameter cannot be read", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The start is not before the end, or the window has too many steps", body = Problem, content_type = "application/problem+json"),
))]
pub async fn dashboard(
    caller: Caller,
    State(api): State<Api>,
    Query(period): Query<Period>,
) -> Result<Json<Dashboard>, Problem> {
    caller.require(READ)?;
    let now = api.now();
    let window = period.window(Bucket::Minute, now)?;
    Dashboard::read(&api.app, window, now).await.map(Json).map_err(unreadable)
}

impl Dashboard {
    /// Reads the figures of `window` and the names of the top products.
    pub async fn read(app: &App, window: domain::Window, now: DateTime<Utc>) -> Result<Self, DbErr> {
        let overview = read::overview(app.db(), window).await?;
        let mut ranked = overview.sales.ranked();
        ranked.truncate(TOP);
        let ids: Vec<Uuid> = ranked.iter().map(|(id, ..)| *id).collect();
        let mut names = read::names(app.db(), &ids).await?;
        let top_products = ranked.into_iter().map(|(product_id, currency, sold)| TopProduct {
            product_id,
            name: name_of(&mut names, product_id),
            units: sold.units,
            revenue: Money::from_minor(sold.revenue),
            currency,
        });
        Ok(Self::of(&overview, top_products.collect(), now))
    }

    fn of(overview: &Overview, top_products: Vec<TopProduct>, now: DateTime<Utc>) -> Self {
        let Overview { total, previous, .. } = overview;
        let leading = overview.leading_currency();
        let charged = |figures: &domain::Figures| {
            let revenue = leading.and_then(|currency| figures.revenue.get(&currency));
            Money::from_minor(revenue.map_or(0, |revenue| revenue.charged))
        };
        let point = |point: &domain::Point| SeriesPoint {
            at: point.at.into(),
            placed: point.figures.counts.placed,
            confirmed: point.figures.counts.confirmed,
            cancelled: point.figures.counts.cancelled,
            failed: point.figures.counts.failed,
            charged: charged(&point.figures),
        };
        Self {
            as_of: now.into(),
            window: overview.window.into(),
            orders: total.counts.into(),
            revenue: overview.revenue().into_iter().map(CurrencyRevenue::from).collect(),
            funnel: funnel(&total.counts),
            failures: failures(total),
            top_products,
            latency_ms: Latencies {
                placed_to_confirmed: (&total.to_confirmed).into(),
                placed_to_shipped: (&total.to_shipped).into(),
                placed_to_delivered: (&total.to_delivered).into(),
            },
            series: overview.series.iter().map(point).collect(),
            previous: PreviousWindow {
                placed: previous.counts.placed,
                confirmed: previous.counts.confirmed,
                charged: charged(previous),
            },
        }
    }

    /// Whether both have the same figures; the times of reading may differ.
    pub fn same_figures(&self, other: &Self) -> bool {
        Self { as_of: other.as_of, ..self.clone() } == *other
    }
}

/// A product's name, or its id while the name is unknown.
pub fn name_of(names: &mut HashMap<Uuid, String>, product: Uuid) -> String {
    names.remove(&product).unwrap_or_else(|| product.to_string())
}

fn funnel(counts: &Counts) -> Vec<FunnelStep> {
    let steps = [
        ("placed", counts.placed),
        ("reserved", counts.reserved),
        ("confirmed", counts.confirmed),
        ("shipped", counts.shipped),
        ("delivered", counts.delivered),
    ];
    let share = |step, orders| match (step, counts.placed) {
        ("placed", _) => 1.0,
        (_, 0) => 0.0,
        #[expect(clippy::cast_precision_loss, reason = "no shop has 2^52 orders in a window")]
        (_, placed) => orders as f64 / placed as f64,
    };
    steps.into_iter().map(|(step, orders)| FunnelStep { step, orders, share: share(step, orders) }).collect()
}

/// Reasons, the most frequent first.
fn failures(total: &domain::Figures) -> Vec<ReasonCount> {
    let mut failures: Vec<_> =
        total.reasons.iter().map(|(reason, orders)| ReasonCount { reason: *reason, orders: *orders }).collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.orders));
    failures
}

impl From<Counts> for OrderCounts {
    fn from(counts: Counts) -> Self {
        let Counts { placed, reserved, confirmed, shipped, delivered, cancelled, failed } = counts;
        Self { placed, reserved, confirmed, shipped, delivered, cancelled, failed, open: counts.open() }
    }
}

impl From<(Currency, Revenue)> for CurrencyRevenue {
    fn from((currency, revenue): (Currency, Revenue)) -> Self {
        Self {
            currency,
            charged: Money::from_minor(revenue.charged),
            refunded: Money::from_minor(revenue.refunded),
            net: Money::from_minor(revenue.net()),
            average_order: Money::from_minor(revenue.average()),
        }
    }
}

impl From<&Histogram> for Percentiles {
    fn from(latencies: &Histogram) -> Self {
        Self { p50: latencies.percentile(50), p95: latencies.percentile(95), p99: latencies.percentile(99) }
    }
}
