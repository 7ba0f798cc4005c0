//! What the shell knows about a request and hands to extractors.

use std::{convert::Infallible, sync::Arc};

use axum::extract::FromRequestParts;
use http::{HeaderMap, request::Parts};
use tokio::sync::Semaphore;

use super::{metrics::HttpMetrics, server::Limits};
use telemetry::Trace;

use tokio_util::sync::CancellationToken;

/// One per shell.
#[derive(Debug)]
pub(super) struct Shared {
    pub limits: Limits,
    pub metrics: HttpMetrics,
    pub shutdown: CancellationToken,
    pub streams: Arc<Semaphore>,
}

/// One per request; one entry among its extensions, because each costs an allocation.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub trace: Trace,
    pub shared: Arc<Shared>,
}

/// The trace a request belongs to: of its `traceparent`, or a new one. An extractor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTrace(pub Trace);

pub(super) fn trace_of(headers: &HeaderMap) -> Trace {
    let told = headers.get("traceparent").and_then(|value| Trace::parse(value.as_bytes()));
    told.map_or_else(Trace::new, Trace::child)
}

impl<S: Sync> FromRequestParts<S> for RequestTrace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Context>().map(|context| context.trace);
        Ok(Self(known.unwrap_or_else(|| trace_of(&parts.headers))))
    }
}
