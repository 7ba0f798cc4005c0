//! A real service with a database and an event log in a temporary folder.

use std::{future::Future, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};

use bus::{
    Bus, TopicSpec,
    embedded::{EmbeddedLog, EmbeddedOptions},
};
use clock::Clock;
use host::{Host, Running, Service, StartError};
use saga::{App, DeadLetterTopic, Settings};
use serde_json::Value;
use settings::Groups;
use store::Db;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use web::{HttpApp, Limits, Server};

/// A running service, its log, and the folder of both.
pub struct Fixture {
    pub host: Host,
    pub app: App,
    pub router: Router,
    running: Option<Running>,
    folder: TempDir,
}

/// An answer of the router.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    /// The body as text.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON; `Null` if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Fixture {
    /// Starts the service on a new log with every topic of the choreography.
    ///
    /// # Panics
    /// When the service does not start.
    pub async fn start(service: Service) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::start_in(folder, service, Clock::system()).await
    }

    /// Starts the same service again on the data of an earlier one.
    ///
    /// # Panics
    /// When the service does not start.
    pub async fn restart(self, service: Service) -> Self {
        let clock = self.host.clock.clone();
        Self::start_in(self.stop().await, service, clock).await
    }

    async fn start_in(folder: TempDir, service: Service, clock: Clock) -> Self {
        let host = host(&folder, clock).await.expect("a host in a temporary folder");
        let url = database(&folder).await;
        let mut running = host.start(service, &url).await.expect("the service starts");
        let offered = std::mem::take(&mut running.routes);
        let router = HttpApp::new("test", "0").service("test", offered, (), running.problems).router();
        Self { host, app: running.app.clone(), router, running: Some(running), folder }
    }

    /// Stops the service gracefully. The folder exists until the returned value is dropped.
    pub async fn stop(mut self) -> TempDir {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        self.host.bus.close().await;
        self.folder
    }

    /// Sends a request with these headers and this JSON body.
    ///
    /// # Panics
    /// When the request is invalid.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(json) => {
                request = request.header("content-type", "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).expect("a request");
        let answer = self.router.clone().oneshot(request).await.expect("a router never fails");
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body in memory").to_vec();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], None).await
    }

    /// Serves the router on a free port until the test ends. Returns `http://host:port`.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn serve(&self) -> String {
        let server = Server::bind(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let address = format!("http://{}", server.address());
        tokio::spawn(server.serve(self.router.clone(), Limits::default(), CancellationToken::new(), Duration::ZERO));
        address
    }
}

/// A SQLite file in the folder. If `UZON_TEST_DATABASE` is the URL of a user that may create
/// databases, a database there with the name of the folder instead. It is not removed: such a
/// server is for tests only (see `compose/with`).
async fn database(folder: &TempDir) -> String {
    #[expect(clippy::disallowed_methods, reason = "no setting: where tests run")]
    let Ok(server) = std::env::var("UZON_TEST_DATABASE") else {
        return format!("sqlite:{}", folder.path().join("service.sqlite").display());
    };
    let (server, _) = server.rsplit_once('/').expect("a URL that ends with a database");
    let name: Vec<String> = folder.path().as_os_str().as_encoded_bytes().iter().map(|it| format!("{it:x}")).collect();
    let name = name.concat();
    let url = format!("{server}/fixture_{}", &name[name.len().saturating_sub(40)..]); // paths differ at their ends
    Db::create(&url).await.expect("a database of its own");
    url
}

async fn host(folder: &TempDir, clock: Clock) -> Result<Host, StartError> {
    let options = EmbeddedOptions { fsync: false, ..EmbeddedOptions::default() };
    let log =
        EmbeddedLog::open(&folder.path().join("bus.sqlite"), options, clock.clone()).map_err(saga::StartError::from)?;
    let topics = events::choreography::topics().iter();
    let topics: Vec<_> = topics
        .map(|topic| TopicSpec {
            name: Arc::from(topic.name),
            partitions: 4,
            compacted: topic.compacted,
            retention: None,
        })
        .collect();
    log.create_topics(&topics).await.map_err(saga::StartError::from)?;
    let dead = topics.iter().map(|topic| DeadLetterTopic::default().of(&topic.name).into());
    let dead: Vec<_> = dead.map(|name| TopicSpec { name, partitions: 1, compacted: false, retention: None }).collect();
    log.create_topics(&dead).await.map_err(saga::StartError::from)?;
    Ok(Host {
        bus: Arc::new(log),
        clock,
        settings: Settings::default(),
        connections: 3,
        groups: Groups::default(),
        dead_letter_topic: DeadLetterTopic::default(),
        outbox_limit: Duration::from_mins(5),
        outbox_batch: 500,
        keep_inbox: Duration::from_hours(1),
    })
}

/// Polls until there is an answer, for at most a minute.
///
/// # Panics
/// When there is no answer in time; names `what`.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    for _ in 0..6000 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("gave up waiting for {what}");
}
