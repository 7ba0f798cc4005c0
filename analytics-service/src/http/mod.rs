//! The HTTP API of this service: dashboard, stream, metrics and reports.

mod dashboard;
mod live;
mod metrics;
mod period;
mod reports;

use axum::http::StatusCode;
use chrono::{DateTime, SubsecRound, Utc};
use saga::App;
use sea_orm::DbErr;
use web::{OpenApiRouter, Problem, ProblemType, Scope, routes};

pub use dashboard::Dashboard;
pub use live::Live;

/// Sees the figures.
pub const READ: Scope = Scope("analytics.read");

static NOT_ACCEPTABLE: ProblemType = ProblemType::new(
    "not-acceptable",
    StatusCode::NOT_ACCEPTABLE,
    "The media type is not available",
    "A report is available as `application/json` and as `text/csv`: name one of them in the Accept header.",
);

/// The problems only this service has.
pub const PROBLEMS: &[&ProblemType] = &[&NOT_ACCEPTABLE];

/// The state of the handlers.
#[derive(Clone)]
struct Api {
    app: App,
    live: Live,
}

impl Api {
    /// The current time in milliseconds.
    fn now(&self) -> DateTime<Utc> {
        self.app.clock().now().trunc_subsecs(3)
    }
}

/// All routes of the service.
pub fn routes(app: App, live: Live) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(dashboard::dashboard))
        .routes(routes!(live::stream))
        .routes(routes!(metrics::metrics))
        .routes(routes!(reports::report))
        .with_state(Api { app, live })
}

fn unreadable(error: DbErr) -> Problem {
    Problem::unavailable(error)
}
