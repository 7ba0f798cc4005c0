//! `GET /api/v1/analytics/metrics`: the totals as flat numbers, and the lag of the figures.

use std::collections::BTreeMap;

use axum::extract::State;
use events::Timestamp;
use serde::Serialize;
use tracing::warn;
use utoipa::ToSchema;
use web::{Caller, Json, Problem, Query};

use super::{
    Api, READ,
    dashboard::Percentiles,
    period::{Period, Window},
    unreadable,
};
use crate::{
    domain::{Bucket, Overview},
    store::read,
};

/// The totals of a dashboard, one number each.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// When these figures were read.
    #[schema(value_type = String, format = DateTime)]
    as_of: Timestamp,
    window: Window,
    /// `orders.<status>`, `failures.<reason>`, `revenue.<currency>.<what>` in hundredths, `latencyMs.<steps>.<percentile>`.
    #[schema(example = json!({ "orders.placed": 12, "revenue.EUR.charged": 5990, "latencyMs.placedToConfirmed.p95": 12 }))]
    numbers: BTreeMap<String, i64>,
    /// The number of records of each topic that are not in the figures yet. Topics with unknown lag are absent.
    #[schema(example = json!({ "orders-in": 0 }))]
    lag: BTreeMap<String, u64>,
}

/// The same totals as in the dashboard, as flat numbers.
#[utoipa::path(get, path = "/api/v1/analytics/metrics", tag = "analytics", params(Period), responses(
    (status = 200, body = Metrics),
    (status = 400, description = "A parameter cannot be read", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The start is not before the end, or the window has too many steps", body = Problem, content_type = "application/problem+json"),
))]
pub async fn metrics(
    caller: Caller,
    State(api): State<Api>,
    Query(period): Query<Period>,
) -> Result<Json<Metrics>, Problem> {
    caller.require(READ)?;
    let now = api.now();
    let window = period.window(Bucket::Minute, now)?;
    let overview = read::overview(api.app.db(), window).await.map_err(unreadable)?;
    let lag = api.app.lag().await.unwrap_or_else(|error| {
        warn!(%error, "the lag of the figures is unknown");
        BTreeMap::new()
    });
    Ok(Json(Metrics { as_of: now.into(), window: window.into(), numbers: numbers(&overview), lag }))
}

fn numbers(overview: &Overview) -> BTreeMap<String, i64> {
    let total = &overview.total;
    let orders = [
        ("placed", total.counts.placed),
        ("reserved", total.counts.reserved),
        ("confirmed", total.counts.confirmed),
        ("shipped", total.counts.shipped),
        ("delivered", total.counts.delivered),
        ("cancelled", total.counts.cancelled),
        ("failed", total.counts.failed),
        ("open", total.counts.open()),
    ];
    let mut numbers: BTreeMap<String, i64> =
        orders.into_iter().map(|(status, orders)| (format!("orders.{status}"), orders)).collect();
    numbers.extend(total.reasons.iter().map(|(reason, orders)| (format!("failures.{reason}"), *orders)));
    for (currency, revenue) in &total.revenue {
        let amounts = [
            ("charged", revenue.charged),
            ("refunded", revenue.refunded),
            ("net", revenue.net()),
            ("averageOrder", revenue.average()),
        ];
        numbers.extend(amounts.map(|(what, amount)| (format!("revenue.{currency}.{what}"), amount)));
    }
    let latencies = [
        ("placedToConfirmed", &total.to_confirmed),
        ("placedToShipped", &total.to_shipped),
        ("placedToDelivered", &total.to_delivered),
    ];
    for (steps, latencies) in latencies {
        let Percentiles { p50, p95, p99 } = latencies.into();
        let percentiles = [("p50", p50), ("p95", p95), ("p99", p99)];
        numbers.extend(percentiles.map(|(name, value)| (format!("latencyMs.{steps}.{name}"), value)));
    }
    numbers
}
