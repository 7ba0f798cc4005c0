//! Changes how the carrier behaves.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use settings::{DurationRange, Span};
use utoipa::ToSchema;
use web::{Caller, Checks, Json, Problem};

use super::AppState;
use crate::carrier::Behaviour;

/// How calls to the carrier go. What is absent is as the settings say. The rates are shares of all calls and exclude each
/// other.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CarrierBehaviour)]
pub(super) struct Body {
    latency_ms: Option<LatencyMs>,
    /// Fails at once; nothing has happened.
    #[schema(minimum = 0, maximum = 1)]
    error_rate: Option<f64>,
    /// No answer; nothing has happened.
    #[schema(minimum = 0, maximum = 1)]
    timeout_rate: Option<f64>,
    /// No answer; it has happened.
    #[schema(minimum = 0, maximum = 1)]
    timeout_after_effect_rate: Option<f64>,
    /// Every call fails.
    down: Option<bool>,
}

/// Before it answers, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CarrierLatencyMs)]
pub(super) struct LatencyMs {
    #[schema(maximum = 600_000)]
    min: u64,
    #[schema(maximum = 600_000)]
    max: u64,
}

/// Ten minutes.
const LONGEST: u64 = 600_000;

/// Changes the behaviour of the carrier until the next change or start. Answers the behaviour in force.
#[utoipa::path(put, path = "/sandbox/carrier/behaviour", tag = "sandbox", request_body = Body,
    responses((status = 200, body = Body),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn put(
    _caller: Caller,
    State(AppState { carrier, .. }): State<AppState>,
    Json(body): Json<Body>,
) -> Result<Json<Body>, Problem> {
    let behaviour = body.behaviour(carrier.configured())?;
    carrier.behave(behaviour);
    Ok(Json(behaviour.into()))
}

impl Body {
    fn behaviour(&self, usual: Behaviour) -> Result<Behaviour, Problem> {
        let latency = self.latency_ms.unwrap_or_else(|| usual.latency.into());
        let behaviour = Behaviour {
            latency: latency.into(),
            error_rate: self.error_rate.unwrap_or(usual.error_rate),
            timeout_rate: self.timeout_rate.unwrap_or(usual.timeout_rate),
            timeout_after_effect_rate: self.timeout_after_effect_rate.unwrap_or(usual.timeout_after_effect_rate),
            down: self.down.unwrap_or(usual.down),
        };
        let sum = behaviour.error_rate + behaviour.timeout_rate + behaviour.timeout_after_effect_rate;
        Checks::new()
            .range("latencyMs.max", latency.max, 0..=LONGEST)
            .that(latency.min <= latency.max, "latencyMs.min", "out_of_range", "must not exceed latencyMs.max")
            .range("errorRate", behaviour.error_rate, 0.0..=1.0)
            .range("timeoutRate", behaviour.timeout_rate, 0.0..=1.0)
            .range("timeoutAfterEffectRate", behaviour.timeout_after_effect_rate, 0.0..=1.0)
            .that(sum <= 1.0 + f64::EPSILON, "errorRate", "out_of_range", "the three rates together must not exceed 1")
            .finish()?;
        Ok(behaviour)
    }
}

impl From<Behaviour> for Body {
    fn from(behaviour: Behaviour) -> Self {
        Self {
            latency_ms: Some(behaviour.latency.into()),
            error_rate: Some(behaviour.error_rate),
            timeout_rate: Some(behaviour.timeout_rate),
            timeout_after_effect_rate: Some(behaviour.timeout_after_effect_rate),
            down: Some(behaviour.down),
        }
    }
}

impl From<LatencyMs> for DurationRange {
    fn from(latency: LatencyMs) -> Self {
        Self { start: Span::from_millis(latency.min), end: Span::from_millis(latency.max) }
    }
}

impl From<DurationRange> for LatencyMs {
    fn from(range: DurationRange) -> Self {
        let millis = |span: Span| u64::try_from(span.duration().as_millis()).unwrap_or(u64::MAX);
        Self { min: millis(range.start), max: millis(range.end) }
    }
}
