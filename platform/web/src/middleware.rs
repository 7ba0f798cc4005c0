//! The middleware of every request. It is a single layer, because each layer costs allocations per request.

use std::{
    any::Any,
    future::Future,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tracing::Instrument;

use super::{
    context::{Context, Shared, trace_of},
    problem::Problem,
    problems,
};
use telemetry::Trace;

const UNMATCHED: &str = "unmatched";

/// Sets the trace, the time limit and the security headers, catches panics, completes and logs problems, and records
/// metrics.
pub(super) async fn middleware(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let _in_flight = shared.metrics.begin();
    let trace = trace_of(request.headers());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    request.extensions_mut().insert(Context { trace, shared: shared.clone() });

    let span = tracing::info_span!("request", %method, route, trace_id = %HexId(trace));
    let work = finished(next.run(request), shared.limits.request_time).instrument(span);
    let mut response = work.await.unwrap_or_else(IntoResponse::into_response);

    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        log(&problem, &method, route, trace);
        // keeps the other headers: `Allow`, and those that a handler has set
        *response.body_mut() = problem.render(Some(uri.path())).into_body();
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    let changes = !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
    if changes || response.status().is_server_error() {
        add_trace(response.headers_mut(), trace);
    }
    secure(response.headers_mut());
    shared.metrics.record(route, &method, response.status(), started.elapsed());
    response
}

/// The result of a handler. A panic and an exceeded time limit become problems.
async fn finished<T>(work: impl Future<Output = T>, within: Duration) -> Result<T, Problem> {
    match tokio::time::timeout(within, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(panic)) => Err(Problem::internal(format_args!("panic: {}", panic_text(&*panic)))),
        Err(_) => Err(Problem::new(&problems::TIMED_OUT).retry_after(1).cause("the time limit")),
    }
}

fn log(problem: &Problem, method: &Method, route: &str, trace: Trace) {
    let Some(cause) = problem.logged_cause() else { return };
    let kind = problem.kind().slug;
    if problem.kind() == &problems::INTERNAL {
        tracing::error!(%method, route, trace_id = %HexId(trace), kind, cause, "request failed");
    } else {
        tracing::warn!(%method, route, trace_id = %HexId(trace), kind, cause, "request refused");
    }
}

/// Returns the trace to the caller. A handler that replays a stored reply has already set the trace of that reply.
fn add_trace(headers: &mut HeaderMap, trace: Trace) {
    let name = HeaderName::from_static("traceparent");
    if let (false, Ok(value)) = (headers.contains_key(&name), HeaderValue::try_from(trace.to_string())) {
        headers.insert(name, value);
    }
}

fn secure(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'self'; frame-ancestors 'none'"));
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

/// A trace id in hexadecimal. It is formatted only if a subscriber records it.
struct HexId(Trace);

impl std::fmt::Display for HexId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0.trace_id)
    }
}
