//! The HTTP API of this service.

mod carrier_update;
mod health;
mod shipments;

use axum::http::StatusCode;
use saga::{App, Breaker};
use web::{OpenApiRouter, ProblemType, Scope, routes};

/// Sees the shipments of any customer.
pub const ADMIN: Scope = Scope("orders.admin");

/// The state of the handlers.
#[derive(Clone)]
pub(crate) struct AppState {
    app: App,
    /// Short name of the carrier's adapter.
    carrier: &'static str,
    breaker: Breaker,
}

/// All routes of the service.
pub fn routes(app: App, carrier: &'static str, breaker: Breaker) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(shipments::get))
        .routes(routes!(health::get))
        .routes(routes!(carrier_update::post))
        .with_state(AppState { app, carrier, breaker })
}

/// The problems only this service has.
pub const PROBLEMS: &[&ProblemType] = &[&UPDATE_TOO_EARLY];

pub static UPDATE_TOO_EARLY: ProblemType = ProblemType::new(
    "news-too-early",
    StatusCode::SERVICE_UNAVAILABLE,
    "The booking has not been answered yet",
    "The update arrived before the answer to the booking. Send it again after the time in Retry-After.",
);
