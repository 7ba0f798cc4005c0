//! The running system: bus and services, started and stopped together.

use std::{fs::File, mem, sync::Arc, time::Duration};

use axum::http::HeaderValue;
use futures_util::future::join_all;

use bus::Bus;
use clock::Clock;
use saga::{App, BreakerPolicy, RetryPolicy};
use settings::{Config, Groups};
use telemetry::error_chain;
use tokio_util::sync::CancellationToken;
use web::{Health, HttpApp, Limits, Server};

use crate::{
    Failure, Host, MissingPolicy, Running, Service,
    bus::{dead_letter_topic, ensure_topics, open_bus},
    databases,
    null_bus::NullBus,
};

/// How long services may take to finish their current batches. Unfinished work is not lost: the next process repeats
/// it.
const GRACE: Duration = Duration::from_secs(3);

/// A bus and the services running on it.
pub struct System {
    pub bus: Arc<dyn Bus>,
    pub services: Vec<Running>,
    groups: Groups,
    /// Whether a service uses the bus.
    has_bus: bool,
    /// The locks of SQLite files, which only one process may open.
    locks: Vec<File>,
}

impl System {
    /// Checks the bus and the databases, then starts the services. After a failure, stops those that have started.
    pub async fn start(
        config: &Config,
        services: Vec<Service>,
        clock: Clock,
        missing: MissingPolicy,
    ) -> Result<Self, Failure> {
        let has_bus = !services.iter().all(Service::is_outside);
        let bus = if has_bus { open_bus(config, clock.clone(), client(&services)).await? } else { Arc::new(NullBus) };
        let host = host(config, bus.clone(), clock);
        let groups = host.groups.clone();
        let mut system = Self { bus, services: Vec::new(), groups, has_bus, locks: Vec::new() };
        match system.start_all(&host, config, services, missing).await {
            Ok(()) => Ok(system),
            Err(failure) => {
                system.stop().await;
                Err(failure)
            }
        }
    }

    async fn start_all(
        &mut self,
        host: &Host,
        config: &Config,
        services: Vec<Service>,
        missing: MissingPolicy,
    ) -> Result<(), Failure> {
        if self.has_bus {
            ensure_topics(config, &*self.bus, &services, missing).await?;
        }
        let mut ready = Vec::new();
        for service in services {
            let opened = databases::open(config, &service, missing).await?;
            self.locks.extend(opened.lock);
            ready.push((service, opened.db));
        }
        for (service, db) in ready {
            let running = host.run(service, db).await;
            self.services.push(running.map_err(|error| Failure::Unavailable(error_chain(&error)))?);
        }
        Ok(())
    }

    /// A service by its short name.
    pub fn app(&self, name: &str) -> Option<&App> {
        self.services.iter().map(|running| &running.app).find(|app| app.name() == name)
    }

    /// The consumer group of a service.
    pub fn group(&self, service: &str) -> String {
        self.groups.of(service)
    }

    /// The health checks of this system.
    pub fn health(&self) -> Health {
        let health = Health::new();
        health.progress("runtime", async || Ok("answers".to_owned()));
        if self.has_bus {
            let bus = self.bus.clone();
            health.dependency("bus", move || {
                let bus = bus.clone();
                async move { bus.health().await.map(|()| "open".to_owned()) }
            });
        }
        for running in &self.services {
            let (name, app) = (running.app.name(), running.app.clone());
            health.dependency(format!("{name}.database"), move || {
                let app = app.clone();
                async move { app.db().ping().await.map(|()| "answers".to_owned()).map_err(|error| error_chain(&error)) }
            });
            let app = running.app.clone();
            health.dependency(format!("{name}.outbox"), move || {
                let admits = app.admits();
                async move {
                    if admits { Ok("published".to_owned()) } else { Err("nothing can be published".to_owned()) }
                }
            });
        }
        health
    }

    /// Serves the routes of the services and those that `more` adds, until `stop`. Then stops the services.
    pub async fn serve(
        mut self,
        server: Server,
        config: &Config,
        stop: CancellationToken,
        more: impl FnOnce(HttpApp) -> HttpApp,
    ) {
        let http = &config.http;
        let limits =
            Limits { body: http.max_body_bytes, request_time: http.request_timeout.into(), ..Limits::default() };
        let origins = http.cors_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
        let mut http_app = HttpApp::new("Uzon", env!("CARGO_PKG_VERSION"))
            .health(self.health())
            .limits(limits)
            .origins(origins)
            .shutdown(stop.clone());
        for running in &mut self.services {
            let (name, routes, app) = (running.app.name(), mem::take(&mut running.routes), running.app.clone());
            http_app = http_app.service(name, routes, (), running.problems).samples(name, move || {
                let app = app.clone();
                async move { app.backlog().await.map_err(|error| error_chain(&error)) }
            });
        }
        server.serve(more(http_app).router(), limits, stop, GRACE).await;
        self.stop().await;
    }

    /// Stops the services, then the sandbox (the services may wait for its answers), then the bus.
    pub async fn stop(self) {
        let (outside, services): (Vec<_>, Vec<_>) = self.services.into_iter().partition(|running| running.is_outside);
        for group in [services, outside] {
            if tokio::time::timeout(GRACE, join_all(group.into_iter().map(Running::stop))).await.is_err() {
                tracing::warn!("a service did not finish in time; the next process repeats its unfinished work");
            }
        }
        self.bus.close().await;
    }
}

/// The client name of a process: the name of its only service, or the program's.
fn client(services: &[Service]) -> &'static str {
    match services {
        [alone] => alone.name(),
        _ => "uzon",
    }
}

fn host(config: &Config, bus: Arc<dyn Bus>, clock: Clock) -> Host {
    Host {
        bus,
        clock,
        settings: saga::Settings {
            batch: config.delivery.batch,
            retry: RetryPolicy {
                retries: config.delivery.retries,
                first_retry: config.delivery.first_retry.into(),
                hold: config.delivery.hold.into(),
            },
            concurrency: config.effects.concurrency,
            breaker: BreakerPolicy {
                window: config.effects.breaker.window.into(),
                failures: config.effects.breaker.failures,
                failure_ratio: config.effects.breaker.failure_ratio,
                open: config.effects.breaker.open.into(),
            },
            ..saga::Settings::default()
        },
        connections: 3,
        groups: config.bus.group_names(),
        dead_letter_topic: dead_letter_topic(config),
        outbox_limit: config.outbox.limit_age.into(),
        outbox_batch: config.outbox.batch,
        keep_inbox: config.inbox.keep.into(),
    }
}
