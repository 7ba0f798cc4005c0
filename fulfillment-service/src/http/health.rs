//! Health of the service.

use std::collections::BTreeMap;

use axum::extract::State;
use saga::BreakerState;
use web::{DependencyHealth, HealthReport, HealthStatus};

use super::AppState;

/// Health of the service and its dependencies. An unavailable carrier is reported and does not make the service
/// unhealthy: only bookings wait for the carrier.
#[utoipa::path(get, path = "/api/fulfillment/health", tag = "fulfillment",
    responses((status = 200, body = HealthReport), (status = 503, body = HealthReport)))]
pub(super) async fn get(State(state): State<AppState>) -> HealthReport {
    let database = match state.app.db().ping().await {
        Ok(()) => DependencyHealth { status: HealthStatus::Up, detail: "answers".to_owned() },
        Err(_) => DependencyHealth { status: HealthStatus::Down, detail: "does not answer".to_owned() },
    };
    let carrier = match state.breaker.state() {
        BreakerState::Closed => DependencyHealth { status: HealthStatus::Up, detail: "answers".to_owned() },
        BreakerState::HalfOpen => DependencyHealth { status: HealthStatus::Down, detail: "is being tried".to_owned() },
        BreakerState::Open => DependencyHealth { status: HealthStatus::Down, detail: "does not answer".to_owned() },
    };
    let status = database.status;
    let dependencies = [("database", database), ("carrier", carrier)].map(|(name, health)| (name.to_owned(), health));
    HealthReport { status, dependencies: BTreeMap::from(dependencies) }
}
