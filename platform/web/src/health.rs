//! Health checks. Live: the process makes progress. Ready: its dependencies are available.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    Json, Router,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::future::{BoxFuture, join_all};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use tokio_util::sync::CancellationToken;

/// A dependency that does not answer within this time counts as unavailable.
const WAIT_TIMEOUT: Duration = Duration::from_secs(2);

/// The result of a check, with a text for operators in both cases.
pub type Finding = Result<String, String>;
type Check = Arc<dyn Fn() -> BoxFuture<'static, Finding> + Send + Sync>;

/// The checks of a process. Cheap to clone; checks can be added while the server runs.
#[derive(Clone, Default)]
pub struct Health(Arc<Checks>);

#[derive(Default)]
struct Checks {
    ready: RwLock<Vec<(String, Check)>>,
    live: RwLock<Vec<(String, Check)>>,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Health")
    }
}

impl Health {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a dependency that requests need: `order.database`, `bus`. The part before the dot is the service; see
    /// [`Health::ready_of`].
    pub fn dependency<F, Fut>(&self, name: impl Into<String>, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Finding> + Send + 'static,
    {
        add(&self.0.ready, name.into(), check);
    }

    /// Adds a check of the process's progress. It must fail only if a restart helps.
    pub fn progress<F, Fut>(&self, name: impl Into<String>, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Finding> + Send + 'static,
    {
        add(&self.0.live, name.into(), check);
    }

    pub async fn ready(&self) -> HealthReport {
        report(&self.0.ready, |_| true).await
    }

    /// Runs the checks of one service: its own (`order.…`) and the shared ones (without a dot).
    pub async fn ready_of(&self, service: &str) -> HealthReport {
        report(&self.0.ready, |name| name.split_once('.').is_none_or(|(owner, _)| owner == service)).await
    }

    pub async fn live(&self) -> HealthReport {
        report(&self.0.live, |_| true).await
    }
}

fn add<F, Fut>(list: &RwLock<Vec<(String, Check)>>, name: String, check: F)
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Finding> + Send + 'static,
{
    let check: Check = Arc::new(move || Box::pin(check()));
    list.write().unwrap_or_else(PoisonError::into_inner).push((name, check));
}

async fn report(list: &RwLock<Vec<(String, Check)>>, wanted: impl Fn(&str) -> bool) -> HealthReport {
    let checks: Vec<_> = {
        let list = list.read().unwrap_or_else(PoisonError::into_inner);
        list.iter().filter(|(name, _)| wanted(name)).cloned().collect()
    };
    let found = join_all(checks.into_iter().map(|(name, check)| async move {
        let finding = tokio::time::timeout(WAIT_TIMEOUT, check()).await;
        (name, finding.unwrap_or_else(|_| Err(format!("no answer within {} s", WAIT_TIMEOUT.as_secs()))))
    }));
    HealthReport::of(found.await)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HealthStatus {
    Up,
    Down,
}

/// The response of the health routes: 200 if all checks succeed, otherwise 503.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HealthReport {
    pub status: HealthStatus,
    pub dependencies: BTreeMap<String, DependencyHealth>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DependencyHealth {
    pub status: HealthStatus,
    pub detail: String,
}

impl HealthReport {
    fn of(findings: Vec<(String, Finding)>) -> Self {
        let mut report = Self { status: HealthStatus::Up, dependencies: BTreeMap::new() };
        for (name, finding) in findings {
            report.add(name, finding);
        }
        report
    }

    fn add(&mut self, name: String, finding: Finding) {
        let (status, detail) = match finding {
            Ok(detail) => (HealthStatus::Up, detail),
            Err(detail) => (HealthStatus::Down, detail),
        };
        if status == HealthStatus::Down {
            self.status = HealthStatus::Down;
        }
        self.dependencies.insert(name, DependencyHealth { status, detail });
    }

    pub fn is_up(&self) -> bool {
        self.status == HealthStatus::Up
    }
}

impl IntoResponse for HealthReport {
    fn into_response(self) -> Response {
        let status = if self.is_up() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, [(header::CACHE_CONTROL, "no-store")], Json(self)).into_response()
    }
}

/// The routes `/health`, `/health/ready` and `/health/live`.
pub(super) fn routes(health: Health, shutdown: CancellationToken) -> Router {
    let live = health.clone();
    let ready = get(async move || {
        let mut report = health.ready().await;
        if shutdown.is_cancelled() {
            // load balancers then send no more requests
            report.add("process".to_owned(), Err("stopping".to_owned()));
        }
        report
    });
    Router::new()
        .route("/health", ready.clone())
        .route("/health/ready", ready)
        .route("/health/live", get(async move || live.live().await))
}
