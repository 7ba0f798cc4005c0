//! The running system: bus and services, started and stopped as one.

use std::{fs::File, mem, sync::Arc, time::Duration};

use axum::http::HeaderValue;
use futures_util::future::join_all;

use telemetry::error_chain;

use super::{
    Failure, Lacking,
    bus::{open_bus, see_to_topics},
    databases,
    nowhere::Nowhere,
};
use crate::{
    App, Clock, Host, Patience, Running, Service, Shutdown,
    bus::Bus,
    config::Config,
    http::{Health, Limits, Server, Shell},
};

/// For services to finish what is in hand. Nothing is lost when it is not enough: the next start goes on from there.
const GRACE: Duration = Duration::from_secs(3);

/// Bus and services.
pub struct System {
    pub bus: Arc<dyn Bus>,
    pub services: Vec<Running>,
    group_prefix: String,
    /// Whether any of its services needs it.
    has_bus: bool,
    /// SQLite files are this process' alone.
    locks: Vec<File>,
}

impl System {
    /// All or nothing: when something fails, what was started is stopped. Everything they stand on is looked at before the
    /// first one starts.
    pub async fn start(
        config: &Config,
        services: Vec<Service>,
        clock: Clock,
        lacking: Lacking,
    ) -> Result<Self, Failure> {
        let has_bus = !services.iter().all(Service::is_outside);
        let bus = if has_bus { open_bus(config, clock.clone(), client(&services)).await? } else { Arc::new(Nowhere) };
        let host = host(config, bus.clone(), clock);
        let group_prefix = host.group_prefix.clone();
        let mut system = Self { bus, services: Vec::new(), group_prefix, has_bus, locks: Vec::new() };
        match system.start_all(&host, config, services, lacking).await {
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
        lacking: Lacking,
    ) -> Result<(), Failure> {
        if self.has_bus {
            see_to_topics(config, &*self.bus, &services, lacking).await?;
        }
        let mut ready = Vec::new();
        for service in services {
            let opened = databases::open(config, &service, lacking).await?;
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
        format!("{}{service}", self.group_prefix)
    }

    /// What readiness depends on.
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

    /// Serves all routes of the services and whatever `more` adds until told to stop, then stops.
    pub async fn serve(mut self, server: Server, config: &Config, stop: Shutdown, more: impl FnOnce(Shell) -> Shell) {
        let http = &config.http;
        let limits =
            Limits { body: http.max_body_bytes, request_time: http.request_timeout.into(), ..Limits::default() };
        let origins = http.cors_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
        let mut shell = Shell::new("Uzon", env!("CARGO_PKG_VERSION"))
            .health(self.health())
            .limits(limits)
            .origins(origins)
            .shutdown(stop.clone());
        for running in &mut self.services {
            let (name, routes, app) = (running.app.name(), mem::take(&mut running.routes), running.app.clone());
            shell = shell.service(name, routes, (), running.problems).samples(name, move || {
                let app = app.clone();
                async move { app.backlog().await.map_err(|error| error_chain(&error)) }
            });
        }
        server.serve(more(shell).router(), limits, stop, GRACE).await;
        self.stop().await;
    }

    /// Services first, the pretended outside world after them: they may be waiting for its answers. Then the bus.
    pub async fn stop(self) {
        let (outside, services): (Vec<_>, Vec<_>) = self.services.into_iter().partition(|running| running.outside);
        for group in [services, outside] {
            if tokio::time::timeout(GRACE, join_all(group.into_iter().map(Running::stop))).await.is_err() {
                tracing::warn!("a service did not finish in time; the next start goes on from there");
            }
        }
        self.bus.close().await;
    }
}

/// What a process calls itself: by its service if there is one.
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
        settings: crate::Settings {
            batch: config.delivery.batch,
            patience: Patience {
                retries: config.delivery.retries,
                first_retry: config.delivery.first_retry.into(),
                hold: config.delivery.hold.into(),
            },
            concurrency: config.effects.concurrency,
        },
        connections: 3,
        group_prefix: config.bus.topic_prefix.clone(),
        outbox_limit: config.outbox.limit_age.into(),
        outbox_batch: config.outbox.batch,
        keep_inbox: config.inbox.keep.into(),
    }
}
