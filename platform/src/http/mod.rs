//! The HTTP shell of a service: strict requests, problem documents, health, metrics, API documents, a bounded end.
//!
//! A service has one file per resource (request, response, handler, tests) and one list of routes:
//! ```
//! use platform::http::{Caller, Json, OpenApiRouter, Path, Problem, Shell, routes};
//! use serde::Serialize;
//! use utoipa::ToSchema;
//! use uuid::Uuid;
//!
//! #[derive(Clone)]
//! struct App;
//!
//! #[derive(Serialize, ToSchema)]
//! #[serde(rename_all = "camelCase")]
//! struct Thing {
//!     thing_id: Uuid,
//! }
//!
//! /// One thing.
//! #[utoipa::path(get, path = "/api/v1/things/{id}", tag = "things",
//!     params(("id" = Uuid, Path)),
//!     responses((status = 200, body = Thing),
//!               (status = 404, body = Problem, content_type = "application/problem+json")))]
//! async fn thing(_caller: Caller, Path(id): Path<Uuid>) -> Result<Json<Thing>, Problem> {
//!     if id.is_nil() { Err(Problem::not_found()) } else { Ok(Json(Thing { thing_id: id })) }
//! }
//!
//! /// All routes of the service.
//! pub fn routes() -> OpenApiRouter<App> {
//!     OpenApiRouter::default().routes(routes!(thing))
//! }
//!
//! let router = Shell::new("Things", "1.0.0").service("thing-service", routes(), App, &[]).router();
//! # let _ = router;
//! ```
//! Handlers take [`Caller`] first, use the extractors of this module (axum's own answer in plain text), and return
//! `Result<_, Problem>`.

mod around;
mod caller;
mod context;
mod docs;
mod etag;
mod health;
mod idempotency;
mod json;
pub mod metrics;
mod page;
mod problem;
pub mod problems;
mod refused;
mod server;
mod shell;
mod sse;
#[cfg(test)]
mod tests;
mod validate;

pub use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::{
    caller::{Caller, Scope},
    context::RequestTrace,
    docs::ApiDocs,
    etag::{IfMatch, IfNoneMatch, Versioned, etag},
    health::{DependencyHealth, Finding, Health, HealthReport, HealthStatus},
    idempotency::{IDEMPOTENCY_KEY, IdempotencyKey, Keyed, body_hash},
    json::{Json, Path, Query},
    page::{DEFAULT_LIMIT, MAX_LIMIT, NoFilter, Page, PageQuery, PageRequest, Paged},
    problem::{FieldError, Problem, ProblemType},
    server::{BindError, Limits, Server},
    shell::Shell,
    sse::{LastEventId, Live, Message},
    validate::Checks,
};
