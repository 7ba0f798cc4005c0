#![doc = include_str!("../README.md")]

mod app;
mod caller;
mod command_reply;
mod context;
mod docs;
mod etag;
mod health;
mod idempotency;
mod json;
pub mod metrics;
mod middleware;
mod outbound;
mod page;
mod problem;
pub mod problems;
mod server;
mod sse;
#[cfg(test)]
mod tests;
mod validate;

pub use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::{
    app::HttpApp,
    caller::{Caller, Scope},
    command_reply::CommandReply,
    context::RequestTrace,
    docs::ApiDocs,
    etag::{IfMatch, IfNoneMatch, Precondition, Versioned, etag},
    health::{DependencyHealth, Finding, Health, HealthReport, HealthStatus},
    idempotency::{IDEMPOTENCY_KEY, IdempotencyKey, Keyed, body_hash},
    json::{Json, Path, Query},
    outbound::{NOT_DONE, OutboundClient},
    page::{DEFAULT_LIMIT, MAX_LIMIT, NoFilter, Page, PageQuery, PageRequest, Paged},
    problem::{FieldError, Problem, ProblemType},
    server::{BindError, Limits, Server},
    sse::{LastEventId, Live, Message},
    validate::Checks,
};
