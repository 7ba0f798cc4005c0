//! The running system: event log and services, started and stopped as one.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use events::choreography;
use futures_util::future::join_all;
use platform::{
    App, Clock, Host, Patience, Running, Service,
    bus::{
        Bus, TopicSpec,
        embedded::{EmbeddedLog, EmbeddedOptions},
    },
    config::Config,
    http::Health,
};

use crate::{Failure, failure::chain, services, settings::Settings};

/// For services to finish what is in hand. Nothing is lost when it is not enough: the next start goes on from there.
const GRACE: Duration = Duration::from_secs(3);

/// Event log and services.
pub struct System {
    pub bus: Arc<dyn Bus>,
    group_prefix: String,
    pub(super) services: Vec<Running>,
}

impl System {
    /// All or nothing: when something fails, what was started is stopped.
    pub async fn start(settings: &Settings, clock: Clock) -> Result<Self, Failure> {
        let config = &settings.config;
        for file in files(config) {
            make_folder_of(&file).map_err(|error| unavailable(&file, &error))?;
        }
        let options = EmbeddedOptions { retention: Some(config.topics.retention.into()), ..Default::default() };
        let log = EmbeddedLog::open(config.bus.url.path(), options, clock.clone());
        let bus: Arc<dyn Bus> = Arc::new(log.map_err(|error| Failure::Unavailable(chain(&error)))?);
        let mut starting = Starting { config, host: host(config, bus.clone(), clock), running: Vec::new() };
        let started = starting.start_all(settings).await;
        let system = Self { bus, group_prefix: config.bus.topic_prefix.clone(), services: starting.running };
        match started {
            Ok(()) => Ok(system),
            Err(failure) => {
                system.stop().await;
                Err(failure)
            }
        }
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
        let bus = self.bus.clone();
        health.dependency("bus", move || {
            let bus = bus.clone();
            async move { bus.health().await.map(|()| "open".to_owned()) }
        });
        for running in &self.services {
            let (name, app) = (running.app.name(), running.app.clone());
            health.dependency(format!("{name}.database"), move || {
                let app = app.clone();
                async move { app.db().ping().await.map(|()| "answers".to_owned()).map_err(|error| chain(&error)) }
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

    /// Services first, the pretended outside world after them: they may be waiting for its answers. Then the event log.
    pub async fn stop(self) {
        let (outside, services): (Vec<_>, Vec<_>) =
            self.services.into_iter().partition(|running| services::OUTSIDE.contains(&running.app.name()));
        for group in [services, outside] {
            if tokio::time::timeout(GRACE, join_all(group.into_iter().map(Running::stop))).await.is_err() {
                tracing::warn!("a service did not finish in time; the next start goes on from there");
            }
        }
        self.bus.close().await;
    }
}

/// Services, on their way up.
pub(crate) struct Starting<'a> {
    config: &'a Config,
    host: Host,
    running: Vec<Running>,
}

impl Starting<'_> {
    async fn start_all(&mut self, settings: &Settings) -> Result<(), Failure> {
        let created = self.host.bus.create_topics(&topics(self.config)).await;
        created.map_err(|error| Failure::Unavailable(chain(&error)))?;
        settings.services.start(self).await
    }

    /// Starts one on a database of its own.
    pub async fn start(&mut self, name: &str, service: Service) -> Result<App, Failure> {
        let database = self.config.database_for(name);
        // One connection writes, the others read.
        let host = Host { readers: database.max_connections.saturating_sub(1).max(1), ..self.host.clone() };
        let running = host.start(service, &database.url.to_string()).await;
        let running = running.map_err(|error| Failure::Unavailable(chain(&error)))?;
        let app = running.app.clone();
        self.running.push(running);
        Ok(app)
    }
}

/// The files that the configuration names: the event log and the databases.
pub fn files(config: &Config) -> Vec<PathBuf> {
    let databases = services::NAMES.into_iter().map(|name| config.database_for(name).url.path().to_owned());
    std::iter::once(config.bus.url.path().to_owned()).chain(databases).collect()
}

fn make_folder_of(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs::create_dir_all)
}

fn unavailable(file: &Path, error: &io::Error) -> Failure {
    Failure::Unavailable(format!("there is no folder for {}: {error}", file.display()))
}

fn host(config: &Config, bus: Arc<dyn Bus>, clock: Clock) -> Host {
    Host {
        bus,
        clock,
        settings: platform::Settings {
            batch: config.delivery.batch,
            patience: Patience {
                retries: config.delivery.retries,
                first_retry: config.delivery.first_retry.into(),
                hold: config.delivery.hold.into(),
            },
            concurrency: config.effects.concurrency,
        },
        readers: 1,
        group_prefix: config.bus.topic_prefix.clone(),
        outbox_limit: config.outbox.limit_age.into(),
        outbox_batch: config.outbox.batch,
        keep_inbox: config.inbox.keep.into(),
    }
}

/// Every topic of the choreography.
fn topics(config: &Config) -> Vec<TopicSpec> {
    let partitions = i32::try_from(config.topics.partitions).unwrap_or(i32::MAX);
    let topics = choreography::topics().iter();
    topics.map(|topic| TopicSpec { name: topic.name.into(), partitions, compacted: topic.compacted, retention: None }).collect()
}
