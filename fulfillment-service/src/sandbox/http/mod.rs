//! What tests and people see of the carrier, how they have it misbehave, and the calls of a shop in another process. Only
//! in development.

mod behaviour;
mod calls;
mod ledger;

use platform::{
    App, NOT_DONE,
    http::{OpenApiRouter, ProblemType, routes},
};

use super::Sandbox;

#[derive(Clone)]
struct Office {
    app: App,
    sandbox: Sandbox,
}

pub(super) fn routes(app: App, sandbox: Sandbox) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(ledger::list))
        .routes(routes!(behaviour::put))
        .routes(routes!(calls::book))
        .routes(routes!(calls::find))
        .routes(routes!(calls::cancel))
        .with_state(Office { app, sandbox })
}

/// What calls may be answered with.
pub(super) const PROBLEMS: &[&ProblemType] = &[&NOT_DONE];
