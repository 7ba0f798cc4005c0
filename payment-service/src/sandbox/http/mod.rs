//! The provider's ledger, how it is told to misbehave, and the calls of a payment service in another process.

mod calls;

use axum::extract::State;
use events::{Money, Timestamp};
use platform::{
    App, NOT_DONE,
    http::{Caller, Checks, Json, OpenApiRouter, Page, PageQuery, Paged, Problem, ProblemType, routes},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Behaviour, LatencyMs, Operation, Sandbox, Status, entry};

#[derive(Clone)]
struct Desk {
    app: App,
    sandbox: Sandbox,
}

pub(super) fn routes(app: App, sandbox: Sandbox) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(ledger))
        .routes(routes!(behave))
        .routes(routes!(calls::charge))
        .routes(routes!(calls::query))
        .routes(routes!(calls::close))
        .routes(routes!(calls::refund))
        .with_state(Desk { app, sandbox })
}

/// What calls may be answered with.
pub(super) const PROBLEMS: &[&ProblemType] = &[&NOT_DONE];

/// Money that has moved, as the provider sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaymentProviderEntry)]
struct EntryView {
    reference: Option<Uuid>,
    idempotency_key: String,
    order_id: Uuid,
    operation: Operation,
    #[schema(value_type = String, example = "59.90")]
    amount: Money,
    #[schema(example = "EUR")]
    currency: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// Everything the provider has charged and paid back, by idempotency key.
#[utoipa::path(get, path = "/sandbox/payment-provider/ledger", tag = "Sandbox",
    params(PageQuery), responses((status = 200, body = Page<EntryView>)))]
async fn ledger(_: Caller, State(desk): State<Desk>, Paged { page, .. }: Paged) -> Result<Page<EntryView>, Problem> {
    let mut query = entry::Entity::find()
        .filter(entry::Column::Status.eq(Status::Done))
        .order_by_asc(entry::Column::Key)
        .limit(page.fetch());
    if let Some(last) = page.after::<String>()? {
        query = query.filter(entry::Column::Key.gt(last));
    }
    let rows = query.all(desk.app.db()).await.map_err(Problem::unavailable)?;
    Ok(Page::cut(rows, &page, |row| row.key.clone()).map(|row| EntryView {
        reference: row.reference,
        idempotency_key: row.key,
        order_id: row.order_id,
        operation: row.operation,
        amount: Money::from_minor(row.amount_minor),
        currency: row.currency,
        at: row.at.into(),
    }))
}

/// How the provider is to behave. What is not named is as configured.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PaymentProviderOrders)]
struct Orders {
    latency_ms: Option<LatencyMs>,
    error_rate: Option<f64>,
    timeout_rate: Option<f64>,
    timeout_after_effect_rate: Option<f64>,
    down: Option<bool>,
}

/// Makes the provider misbehave from now on, and stop it: an empty object puts everything back as configured.
#[utoipa::path(put, path = "/sandbox/payment-provider/behaviour", tag = "Sandbox", request_body = Orders,
    responses((status = 200, body = Behaviour),
              (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn behave(
    _: Caller,
    State(Desk { sandbox, .. }): State<Desk>,
    Json(orders): Json<Orders>,
) -> Result<Json<Behaviour>, Problem> {
    let usual = sandbox.configured;
    let behaviour = Behaviour {
        latency_ms: orders.latency_ms.unwrap_or(usual.latency_ms),
        error_rate: orders.error_rate.unwrap_or(usual.error_rate),
        timeout_rate: orders.timeout_rate.unwrap_or(usual.timeout_rate),
        timeout_after_effect_rate: orders.timeout_after_effect_rate.unwrap_or(usual.timeout_after_effect_rate),
        down: orders.down.unwrap_or(usual.down),
    };
    let Behaviour { latency_ms: LatencyMs { min, max }, error_rate, timeout_rate, .. } = behaviour;
    let rates = error_rate + timeout_rate + behaviour.timeout_after_effect_rate;
    let mut checks = Checks::new();
    checks
        .range("latencyMs.min", min, 0..=60_000)
        .range("latencyMs.max", max, 0..=60_000)
        .that(min <= max, "latencyMs", "out_of_range", "min must not be above max")
        .range("errorRate", error_rate, 0.0..=1.0)
        .range("timeoutRate", timeout_rate, 0.0..=1.0)
        .range("timeoutAfterEffectRate", behaviour.timeout_after_effect_rate, 0.0..=1.0)
        .that(rates <= 1.0, "errorRate", "out_of_range", "the three rates together must be at most 1");
    checks.finish()?;
    sandbox.behave(behaviour);
    Ok(Json(behaviour))
}
