//! The carrier's ledger, its behaviour, and its calls for services in other processes.

mod behaviour;
mod calls;
mod ledger;
mod wire;

use saga::App;
use web::NOT_DONE;
use web::{OpenApiRouter, ProblemType, routes};

use super::Carrier;

#[derive(Clone)]
struct AppState {
    app: App,
    carrier: Carrier,
}

pub(super) fn routes(app: App, carrier: Carrier) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(ledger::list))
        .routes(routes!(behaviour::put))
        .routes(routes!(calls::book))
        .routes(routes!(calls::find))
        .routes(routes!(calls::cancel))
        .with_state(AppState { app, carrier })
}

/// Problems that calls are answered with.
pub(super) const PROBLEMS: &[&ProblemType] = &[&NOT_DONE];
