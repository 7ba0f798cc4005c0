//! Changes how the provider behaves.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Caller, Checks, Json, Problem};

use super::AppState;
use crate::payment_provider::{Behaviour, LatencyMs};

/// How the provider is to behave. What is not named is as configured.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PaymentProviderOrders)]
pub(super) struct Body {
    latency_ms: Option<LatencyMs>,
    error_rate: Option<f64>,
    timeout_rate: Option<f64>,
    timeout_after_effect_rate: Option<f64>,
    down: Option<bool>,
}

/// Makes the provider misbehave from now on, and stop it: an empty object puts everything back as configured.
#[utoipa::path(put, path = "/sandbox/payment-provider/behaviour", tag = "Sandbox", request_body = Body,
    responses((status = 200, body = Behaviour),
              (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn behave(
    _: Caller,
    State(AppState { provider, .. }): State<AppState>,
    Json(body): Json<Body>,
) -> Result<Json<Behaviour>, Problem> {
    let usual = provider.configured;
    let behaviour = Behaviour {
        latency_ms: body.latency_ms.unwrap_or(usual.latency_ms),
        error_rate: body.error_rate.unwrap_or(usual.error_rate),
        timeout_rate: body.timeout_rate.unwrap_or(usual.timeout_rate),
        timeout_after_effect_rate: body.timeout_after_effect_rate.unwrap_or(usual.timeout_after_effect_rate),
        down: body.down.unwrap_or(usual.down),
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
    provider.behave(behaviour);
    Ok(Json(behaviour))
}
