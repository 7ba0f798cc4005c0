//! Whether the service can do its work.

use std::collections::BTreeMap;

use axum::extract::State;
use saga::effect::BreakerState;
use web::{DependencyHealth, HealthReport, HealthStatus};

use super::Office;

/// Whether the service can do its work. A carrier that is down shows here and does not make the service unhealthy:
/// bookings wait for it, and everything else goes on.
#[utoipa::path(get, path = "/api/fulfillment/health", tag = "fulfillment",
    responses((status = 200, body = HealthReport), (status = 503, body = HealthReport)))]
pub(super) async fn get(State(office): State<Office>) -> HealthReport {
    let database = match office.app.db().ping().await {
        Ok(()) => DependencyHealth { status: HealthStatus::Up, detail: "answers".to_owned() },
        Err(_) => DependencyHealth { status: HealthStatus::Down, detail: "does not answer".to_owned() },
    };
    let carrier = match office.breaker.state() {
        BreakerState::Closed => DependencyHealth { status: HealthStatus::Up, detail: "answers".to_owned() },
        BreakerState::HalfOpen => DependencyHealth { status: HealthStatus::Down, detail: "is being tried".to_owned() },
        BreakerState::Open => DependencyHealth { status: HealthStatus::Down, detail: "does not answer".to_owned() },
    };
    let status = database.status;
    let dependencies = [("database", database), ("carrier", carrier)].map(|(name, health)| (name.to_owned(), health));
    HealthReport { status, dependencies: BTreeMap::from(dependencies) }
}
