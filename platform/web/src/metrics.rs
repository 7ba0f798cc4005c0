//! Prometheus metrics at `/metrics`, with the metrics of HTTP and of the process.

use std::{
    collections::HashMap,
    sync::{Arc, Once, PoisonError, RwLock},
    time::Duration,
};

use axum::{Router, routing::get};
use http::{Method, StatusCode, header};
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::PrometheusHandle;

mod sample;

pub(super) use sample::Sampler;
pub use telemetry::metrics::{Metric, Sample};

/// Installs the recorder and describes the metrics of this module. Metrics registered before this call are lost.
pub fn install() -> &'static PrometheusHandle {
    static DESCRIBED: Once = Once::new();
    let handle = telemetry::metrics::install();
    DESCRIBED.call_once(|| {
        describe_counter!("http_requests_total", "Requests answered, by route template and status");
        describe_histogram!("http_request_duration_seconds", "From the request's headers to the answer's");
        describe_gauge!("http_requests_in_flight", "Requests being worked on");
        describe_gauge!("process_resident_memory_bytes", "Memory in use");
        describe_gauge!("process_virtual_memory_bytes", "Address space in use");
        describe_gauge!("process_threads", "Threads");
        describe_gauge!("process_open_fds", "Open files and sockets");
    });
    handle
}

/// The metrics of requests. Handles are looked up by borrowed text: only the first request of its kind allocates.
#[derive(Debug)]
pub(super) struct HttpMetrics {
    routes: RwLock<HashMap<Box<str>, Vec<Line>>>,
    in_flight: Gauge,
}

struct Line {
    method: &'static str,
    status: u16,
    requests: Counter,
    duration: Histogram,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.status)
    }
}

impl HttpMetrics {
    pub fn new() -> Self {
        install();
        Self { routes: RwLock::default(), in_flight: gauge!("http_requests_in_flight") }
    }

    /// Counts a request as in flight until the result is dropped, even if the client disconnects.
    pub fn begin(&self) -> InFlight {
        self.in_flight.increment(1.0);
        InFlight(self.in_flight.clone())
    }

    /// `route` must be a template (`/orders/{id}`), not a path: each path would be another label value.
    pub fn record(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let (method, status) = (name_of(method), status.as_u16());
        let known = |lines: &Vec<Line>| {
            let line = lines.iter().find(|line| line.status == status && line.method == method)?;
            line.requests.increment(1);
            line.duration.record(took);
            Some(())
        };
        if self.routes.read().unwrap_or_else(PoisonError::into_inner).get(route).and_then(known).is_some() {
            return;
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let lines = routes.entry(route.into()).or_default();
        if known(lines).is_none() {
            let route = route.to_owned();
            let duration = histogram!("http_request_duration_seconds", "method" => method, "route" => route.clone());
            let status_label = status.to_string();
            let requests =
                counter!("http_requests_total", "method" => method, "route" => route, "status" => status_label);
            requests.increment(1);
            duration.record(took);
            lines.push(Line { method, status, requests, duration });
        }
    }
}

/// See [`HttpMetrics::begin`].
pub(super) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// The label of a method. Clients can invent methods, so all unknown ones share a label.
fn name_of(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// The route `/metrics`.
pub(super) fn routes(samplers: Vec<Sampler>) -> Router {
    let samplers: Arc<[Sampler]> = samplers.into();
    Router::new().route(
        "/metrics",
        get(async move || {
            observe_process();
            let text = install().render() + &sample::text(&samplers, sample::TIMEOUT).await;
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
        }),
    )
}

/// Reads the metrics of the process from `/proc`. They are absent on systems other than Linux.
fn observe_process() {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return };
    let number = |key: &str| -> Option<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse().ok()
    };
    for (metric, key, unit) in [
        ("process_resident_memory_bytes", "VmRSS", 1024.0),
        ("process_virtual_memory_bytes", "VmSize", 1024.0),
        ("process_threads", "Threads", 1.0),
    ] {
        if let Some(value) = number(key) {
            gauge!(metric).set(value * unit);
        }
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        gauge!("process_open_fds").set(f64::from(u32::try_from(files.count()).unwrap_or(u32::MAX)));
    }
}
