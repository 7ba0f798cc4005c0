//! What this service offers over HTTP.

mod carrier_news;
mod health;
mod shipments;

use axum::http::StatusCode;
use saga::{App, Breaker};
use web::{OpenApiRouter, ProblemType, Scope, routes};

/// Sees the shipments of any customer.
pub const ADMIN: Scope = Scope("orders.admin");

/// What the handlers work with.
#[derive(Clone)]
pub(crate) struct Office {
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
        .routes(routes!(carrier_news::post))
        .with_state(Office { app, carrier, breaker })
}

/// The problems only this service has.
pub const PROBLEMS: &[&ProblemType] = &[&NEWS_TOO_EARLY];

pub static NEWS_TOO_EARLY: ProblemType = ProblemType::new(
    "news-too-early",
    StatusCode::SERVICE_UNAVAILABLE,
    "The booking has not been answered yet",
    "News of a parcel came before the answer to its booking. Send it again after the time in Retry-After.",
);
