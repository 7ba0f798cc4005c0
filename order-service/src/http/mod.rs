//! The HTTP API of this service.

mod body;
mod cancel;
mod events;
mod list;
mod place;
mod show;
mod status;
mod views;

use axum::{
    http::StatusCode,
    routing::{get, post},
};
use saga::App;
use uuid::Uuid;
use web::{Caller, OpenApiRouter, Problem, ProblemType, Scope, routes};

use crate::{domain::rows::Order, queries, statuses::Statuses};

/// Reads own orders.
pub const READ: Scope = Scope("orders.read");
/// Places and cancels own orders.
pub const WRITE: Scope = Scope("orders.write");
/// Extends both to orders of any customer.
pub const ADMIN: Scope = Scope("orders.admin");

/// The state of the handlers.
#[derive(Clone)]
struct Service {
    app: App,
    statuses: Statuses,
}

/// All routes of the service.
pub fn routes(app: App, statuses: Statuses) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(place::place, list::list))
        .routes(routes!(show::show))
        .routes(routes!(status::status))
        .routes(routes!(show::history))
        .routes(routes!(events::events))
        .routes(routes!(cancel::preview))
        .routes(routes!(cancel::cancel))
        // the same routes under their earlier paths
        .route("/api/orders", get(list::list).post(place::place))
        .route("/api/orders/{id}", get(show::show))
        .route("/api/orders/{id}/status", get(status::status))
        .route("/api/orders/{id}/history", get(show::history))
        .route("/api/orders/{id}/events", get(events::events))
        .route("/api/orders/{id}/cancellation", get(cancel::preview))
        .route("/api/orders/{id}/cancel", post(cancel::cancel))
        .with_state(Service { app, statuses })
}

/// The problem types of this service.
pub const PROBLEMS: &[&ProblemType] = &[&NOT_CANCELLABLE];

pub static NOT_CANCELLABLE: ProblemType = ProblemType::new(
    "not-cancellable",
    StatusCode::CONFLICT,
    "The order cannot be cancelled any more",
    "The order is with the carrier, was delivered, or has failed. A parcel that was sent can be returned, not cancelled. `GET …/cancellation` shows in advance whether an order can be cancelled.",
);

impl Service {
    /// The order, if the caller may see it.
    async fn order(&self, caller: &Caller, id: Uuid) -> Result<Order, Problem> {
        let order = queries::order(self.app.db(), id).await.map_err(Problem::unavailable)?;
        order.filter(|order| caller.may_see(order.customer_id, ADMIN)).ok_or_else(Problem::not_found)
    }
}

/// The only customer whose orders the caller may see and change; `None`: any customer.
fn restricted_to(caller: &Caller) -> Option<Uuid> {
    (!caller.may(ADMIN)).then(|| caller.customer().unwrap_or_default())
}

/// Versions count from 1.
fn tag(version: i64) -> u64 {
    u64::try_from(version).unwrap_or_default()
}
