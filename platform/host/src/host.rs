//! Starts services on a bus, and stops them in order.

use std::{sync::Arc, time::Duration};

use bus::Bus;
use clock::Clock;
use events::choreography;
use saga::{App, DeadLetterTopic, ServiceConfig, Settings, Subscriptions};
use settings::Groups;
use store::{Db, OpenError};
use web::{OpenApiRouter, ProblemType};

use crate::{Service, service::ServiceSchemaError};

/// The bus, the clock and the settings that services are started with.
#[derive(Clone)]
pub struct Host {
    pub bus: Arc<dyn Bus>,
    pub clock: Clock,
    pub settings: Settings,
    /// Connections of each service to its database.
    pub connections: u32,
    /// The names of consumer groups.
    pub groups: Groups,
    /// The names of the dead-letter topics.
    pub dead_letter_topic: DeadLetterTopic,
    /// If the oldest message has waited longer for its publication, commands are refused.
    pub outbox_limit: Duration,
    /// Messages published in one batch. A transaction with more messages is published as a whole.
    pub outbox_batch: usize,
    /// How long repeats of an event are recognised.
    pub keep_inbox: Duration,
}

/// The reason why a service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Schema(#[from] ServiceSchemaError),
    #[error(transparent)]
    Start(#[from] saga::StartError),
}

/// A running service.
pub struct Running {
    pub app: App,
    /// The routes of the service.
    pub routes: OpenApiRouter,
    pub problems: &'static [&'static ProblemType],
    /// The service simulates an external system. It stops last: other services may wait for its answers.
    pub is_outside: bool,
    service: saga::Running,
}

impl Host {
    /// Opens the service's database, migrates its schema and starts its participants. After an error nothing runs.
    pub async fn start(&self, service: Service, database_url: &str) -> Result<Running, StartError> {
        let db = Db::open(database_url, self.connections).await?;
        service.migrate(&db).await?;
        self.run(service, db).await
    }

    /// Starts the participants on a database with a current schema. After an error nothing runs.
    pub async fn run(&self, service: Service, db: Db) -> Result<Running, StartError> {
        let Service { name, long_name, participants, tasks, routes, problems, is_outside, .. } = service;
        let config = ServiceConfig {
            name,
            long_name,
            group: self.groups.of(name),
            subscriptions: Subscriptions::new(choreography::heard_by(name)),
            db,
            bus: self.bus.clone(),
            clock: self.clock.clone(),
            settings: self.settings,
            dead_letter_topic: self.dead_letter_topic.clone(),
            outbox_limit: self.outbox_limit,
            outbox_batch: self.outbox_batch,
            keep_inbox: self.keep_inbox,
        };
        let service = saga::start(config, participants, tasks).await?;
        let app = service.app.clone();
        let routes = routes.map_or_else(OpenApiRouter::new, |routes| routes(app.clone()));
        Ok(Running { app, routes, problems, is_outside, service })
    }
}

impl Running {
    /// Finishes the current batches, publishes the committed events and closes the database.
    pub async fn stop(self) {
        self.service.stop().await;
    }
}
