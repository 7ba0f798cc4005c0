//! The context of a request, which the middleware passes to extractors.

use std::{convert::Infallible, sync::Arc};

use axum::extract::FromRequestParts;
use http::{HeaderMap, request::Parts};
use tokio::sync::Semaphore;

use super::{metrics::HttpMetrics, server::Limits};
use telemetry::Trace;

use tokio_util::sync::CancellationToken;

/// The state of an `HttpApp`, shared by all requests.
#[derive(Debug)]
pub(super) struct Shared {
    pub limits: Limits,
    pub metrics: HttpMetrics,
    pub shutdown: CancellationToken,
    pub streams: Arc<Semaphore>,
}

/// The context of one request. All of it is one request extension, because each extension costs an allocation.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub trace: Trace,
    pub shared: Arc<Shared>,
}

/// The trace of a request: a child of its `traceparent`, or a new trace. An extractor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTrace(pub Trace);

pub(super) fn trace_of(headers: &HeaderMap) -> Trace {
    let parent = headers.get("traceparent").and_then(|value| Trace::parse(value.as_bytes()));
    parent.map_or_else(Trace::new, Trace::child)
}

impl<S: Sync> FromRequestParts<S> for RequestTrace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Context>().map(|context| context.trace);
        Ok(Self(known.unwrap_or_else(|| trace_of(&parts.headers))))
    }
}
