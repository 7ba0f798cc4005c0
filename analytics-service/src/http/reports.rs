//! `GET /api/v1/analytics/reports/{name}`: tables, as JSON or as CSV.

mod accept;
mod csv;

use std::collections::HashMap;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use events::{Money, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Json, Path, Problem, Query};

use super::{
    Api, READ,
    dashboard::name_of,
    period::{Period, Window},
    unreadable,
};
use crate::{domain::Overview, store::read};
use accept::Form;

/// The subject of a report.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportName {
    /// The number of orders by step and state.
    Orders,
    /// Revenue by step and currency.
    Revenue,
    /// Every product sold in the window, the one with the most units first.
    Products,
    /// Cancelled and failed orders of the window, by reason.
    Failures,
}

/// A report as JSON.
#[derive(Debug, Serialize, ToSchema)]
pub struct Report {
    window: Window,
    /// The rows of the table, by the names of its columns.
    items: Vec<Map<String, Value>>,
}

/// A report before it is formatted. Cells keep their JSON type: number or string.
#[derive(Debug, PartialEq)]
struct Table {
    columns: &'static [&'static str],
    rows: Vec<Vec<Value>>,
}

/// A report about the orders placed in a window. Default of the step length: the longest that fits the window;
/// default of the window: the last thirty days.
#[utoipa::path(get, path = "/api/v1/analytics/reports/{name}", tag = "analytics",
    params(("name" = ReportName, Path, description = "The subject of the report"), Period), responses(
    (status = 200, content((Report = "application/json"), (String = "text/csv"))),
    (status = 400, description = "A parameter or the Accept header cannot be read", body = Problem, content_type = "application/problem+json"),
    (status = 406, description = "Accept allows neither JSON nor CSV", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The start is not before the end, or the window has too many steps", body = Problem, content_type = "application/problem+json"),
))]
pub async fn report(
    caller: Caller,
    State(api): State<Api>,
    Path(name): Path<ReportName>,
    Query(period): Query<Period>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(READ)?;
    let form = accept::form(&headers)?;
    let window = period.window(period.fitting(), api.now())?;
    let overview = read::overview(api.app.db(), window).await.map_err(unreadable)?;
    let table = match name {
        ReportName::Orders => orders(&overview),
        ReportName::Revenue => revenue(&overview),
        ReportName::Products => {
            let ids: Vec<Uuid> = overview.sales.ranked().into_iter().map(|(id, ..)| id).collect();
            products(&overview, read::names(api.app.db(), &ids).await.map_err(unreadable)?)
        }
        ReportName::Failures => failures(&overview),
    };
    Ok(match form {
        Form::Json => Json(Report { window: window.into(), items: table.into_objects() }).into_response(),
        Form::Csv => {
            let file = format!("attachment; filename=\"{}.csv\"", format!("{name:?}").to_lowercase());
            let file = HeaderValue::try_from(file).expect("letters only");
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
                (header::CONTENT_DISPOSITION, file),
            ];
            (headers, csv::write(&table)).into_response()
        }
    })
}

fn orders(overview: &Overview) -> Table {
    let columns = &["at", "placed", "reserved", "confirmed", "shipped", "delivered", "cancelled", "failed", "open"];
    let row = |point: &crate::domain::Point| {
        let it = &point.figures.counts;
        let counts =
            [it.placed, it.reserved, it.confirmed, it.shipped, it.delivered, it.cancelled, it.failed, it.open()];
        std::iter::once(text(&Timestamp::from(point.at))).chain(counts.map(Value::from)).collect()
    };
    Table { columns, rows: overview.series.iter().map(row).collect() }
}

fn revenue(overview: &Overview) -> Table {
    let columns = &["at", "currency", "orders", "charged", "refunded", "net", "averageOrder"];
    let row = |point: &crate::domain::Point| {
        let at = Timestamp::from(point.at);
        let currencies = point.figures.revenue.iter().map(move |(currency, it)| {
            let amounts = [it.charged, it.refunded, it.net(), it.average()].map(money);
            [text(&at), text(currency), it.orders.into()].into_iter().chain(amounts).collect()
        });
        currencies.collect::<Vec<Vec<Value>>>()
    };
    Table { columns, rows: overview.series.iter().flat_map(row).collect() }
}

fn products(overview: &Overview, mut names: HashMap<Uuid, String>) -> Table {
    let columns = &["productId", "name", "currency", "units", "revenue"];
    let ranked = overview.sales.ranked().into_iter();
    let rows = ranked.map(|(id, currency, sold)| {
        vec![text(&id), name_of(&mut names, id).into(), text(&currency), sold.units.into(), money(sold.revenue)]
    });
    Table { columns, rows: rows.collect() }
}

fn failures(overview: &Overview) -> Table {
    let rows = overview.total.reasons.iter().map(|(reason, orders)| vec![text(reason), (*orders).into()]);
    Table { columns: &["reason", "orders"], rows: rows.collect() }
}

fn text(value: &impl ToString) -> Value {
    Value::String(value.to_string())
}

fn money(hundredths: i64) -> Value {
    text(&Money::from_minor(hundredths))
}

impl Table {
    fn into_objects(self) -> Vec<Map<String, Value>> {
        let object = |row: Vec<Value>| self.columns.iter().map(|column| (*column).to_owned()).zip(row).collect();
        self.rows.into_iter().map(object).collect()
    }
}
