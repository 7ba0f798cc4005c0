//! The provider's ledger, its behaviour, and its calls for services in other processes.

mod behaviour;
mod calls;
mod ledger;
mod wire;

use saga::App;
use web::NOT_DONE;
use web::{OpenApiRouter, ProblemType, routes};

use super::PaymentProvider;

#[derive(Clone)]
struct AppState {
    app: App,
    provider: PaymentProvider,
}

pub(super) fn routes(app: App, provider: PaymentProvider) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(ledger::ledger))
        .routes(routes!(behaviour::behave))
        .routes(routes!(calls::charge))
        .routes(routes!(calls::query))
        .routes(routes!(calls::close))
        .routes(routes!(calls::refund))
        .with_state(AppState { app, provider })
}

/// Problems that calls are answered with.
pub(super) const PROBLEMS: &[&ProblemType] = &[&NOT_DONE];
