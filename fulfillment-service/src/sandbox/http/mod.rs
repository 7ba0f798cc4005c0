//! What tests and people see of the carrier, and how they have it misbehave. Only in development.

mod behaviour;
mod ledger;

use platform::{
    App,
    http::{OpenApiRouter, routes},
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
        .with_state(Office { app, sandbox })
}
