//! What is offered over HTTP: figures, as they are, as they change, and as files.

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
    "There is no answer in this form",
    "A report is had as `application/json` or as `text/csv`: name one of them in the Accept header.",
);

/// What only this service answers.
pub const PROBLEMS: &[&ProblemType] = &[&NOT_ACCEPTABLE];

/// What handlers work with.
#[derive(Clone)]
struct Api {
    app: App,
    live: Live,
}

impl Api {
    /// The time of an answer, in milliseconds.
    fn now(&self) -> DateTime<Utc> {
        self.app.clock().now().trunc_subsecs(3)
    }
}

/// All routes.
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
