//! Combines the services' routes with health, metrics, API documents, problem pages and limits.

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::DefaultBodyLimit, middleware::from_fn_with_state};
use http::{HeaderName, HeaderValue, Method, header};
use tokio::sync::Semaphore;
use tower_http::cors::CorsLayer;
use utoipa_axum::router::OpenApiRouter;

use super::{
    context::Shared,
    docs::ApiDocs,
    health::{self, Health},
    idempotency::IDEMPOTENCY_KEY,
    metrics::{self, HttpMetrics, Sample, Sampler},
    middleware::middleware,
    problem::{Problem, ProblemType},
    problems,
    server::Limits,
};
use tokio_util::sync::CancellationToken;

/// Collects the routes of one process and builds its router.
#[derive(Debug)]
pub struct HttpApp {
    title: &'static str,
    version: &'static str,
    routes: Router,
    docs: ApiDocs,
    problems: Vec<&'static ProblemType>,
    health: Health,
    samplers: Vec<Sampler>,
    origins: Vec<HeaderValue>,
    limits: Limits,
    shutdown: CancellationToken,
}

impl HttpApp {
    pub fn new(title: &'static str, version: &'static str) -> Self {
        Self {
            title,
            version,
            routes: Router::new(),
            docs: ApiDocs::default(),
            problems: problems::SHARED.to_vec(),
            health: Health::new(),
            samplers: Vec::new(),
            origins: Vec::new(),
            limits: Limits::default(),
            shutdown: CancellationToken::new(),
        }
    }

    /// Adds the routes of a service with their state, and the service's own problem types.
    #[must_use]
    pub fn service<S>(
        mut self,
        name: &'static str,
        routes: OpenApiRouter<S>,
        state: S,
        problems: &[&'static ProblemType],
    ) -> Self
    where
        S: Clone + Send + Sync + 'static,
    {
        let (routes, document) = routes.with_state::<()>(state).split_for_parts();
        self.docs.add(name, &document);
        self.problems.extend(problems);
        self.routes = self.routes.merge(routes);
        self
    }

    /// Adds routes without an API document, such as pages.
    #[must_use]
    pub fn routes(mut self, routes: Router) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }

    #[must_use]
    pub fn health(mut self, health: Health) -> Self {
        self.health = health;
        self
    }

    /// Adds gauges of a service that are read at each scrape of `/metrics`. If the read fails, the gauges are absent.
    #[must_use]
    pub fn samples<F, Fut>(mut self, service: &'static str, ask: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<Sample>, String>> + Send + 'static,
    {
        self.samplers.push(Sampler::new(service, ask));
        self
    }

    /// Sets the origins whose pages may call this server from a browser (`https://shop.example.org`). None by default.
    #[must_use]
    pub fn origins(mut self, origins: Vec<HeaderValue>) -> Self {
        self.origins = origins;
        self
    }

    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the shutdown signal, which ends event streams and makes readiness fail.
    #[must_use]
    pub fn shutdown(mut self, shutdown: CancellationToken) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Sets the document that is served as `/asyncapi.json`.
    #[must_use]
    pub fn asyncapi(mut self, document: &'static str) -> Self {
        self.docs.set_asyncapi(document);
        self
    }

    pub fn docs(&self) -> &ApiDocs {
        &self.docs
    }

    /// Builds the router.
    ///
    /// # Panics
    /// When two services have the same route.
    pub fn router(self) -> Router {
        let shared = Arc::new(Shared {
            limits: self.limits,
            metrics: HttpMetrics::new(),
            shutdown: self.shutdown.clone(),
            streams: Arc::new(Semaphore::new(self.limits.streams)),
        });
        let router = self
            .routes
            .merge(problems::pages(&self.problems))
            .merge(health::routes(self.health, self.shutdown))
            .merge(metrics::routes(self.samplers))
            .merge(self.docs.routes(self.title, self.version))
            .fallback(async || Problem::not_found())
            .method_not_allowed_fallback(async || Problem::new(&problems::METHOD_NOT_ALLOWED))
            .layer(DefaultBodyLimit::max(self.limits.body))
            .layer(from_fn_with_state(shared, middleware));
        if self.origins.is_empty() { router } else { router.layer(cors(self.origins)) }
    }
}

fn cors(origins: Vec<HeaderValue>) -> CorsLayer {
    let traceparent = HeaderName::from_static("traceparent");
    let key = HeaderName::from_static(IDEMPOTENCY_KEY);
    let last_event = HeaderName::from_static("last-event-id");
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            key,
            last_event,
            traceparent.clone(),
        ])
        .expose_headers([header::ETAG, header::LOCATION, header::RETRY_AFTER, traceparent])
        .max_age(Duration::from_hours(1))
}
