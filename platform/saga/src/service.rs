//! Starts the participants of a service with their relay, and stops them in order.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use bus::{Bus, BusError};
use chrono::TimeDelta;
use clock::Clock;
use effects::ownership::{Heartbeat, Ownership};
use futures_util::future::BoxFuture;
use store::{Db, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::{
    App, DeadLetterTopic, Participant, ParticipantBuilder, Settings, Subscriptions,
    app::Inner,
    outbox::Relay,
    retention,
    runtime::{Context, Registration},
};

/// Something that runs beside the participants until the token is cancelled.
pub type Task = Box<dyn FnOnce(App, CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// The participants of a service before they run.
#[derive(Default)]
pub struct Participants(Vec<Box<dyn Registration>>);

impl Participants {
    pub fn add<P: Participant>(&mut self, participant: ParticipantBuilder<P>) {
        self.0.push(Box::new(participant));
    }
}

/// What a service is started with.
pub struct ServiceConfig {
    /// Short name, in the database, metrics and logs.
    pub name: &'static str,
    /// The name that its events carry (`ce_source`).
    pub long_name: &'static str,
    /// Consumer group.
    pub group: String,
    pub subscriptions: Subscriptions,
    pub db: Db,
    pub bus: Arc<dyn Bus>,
    pub clock: Clock,
    pub settings: Settings,
    pub dead_letter_topic: DeadLetterTopic,
    /// Commands are refused when nothing could be published for longer.
    pub outbox_limit: Duration,
    /// Messages in one publish.
    pub outbox_batch: usize,
    /// How long repeats of an event are recognised.
    pub keep_inbox: Duration,
}

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// A running service.
pub struct Running {
    pub app: App,
    db: Db,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    stop_relay: CancellationToken,
    relay: JoinSet<()>,
}

/// Starts the participants, their relay and the tasks, on a database whose schema is up to date. On an error nothing runs.
pub async fn start(
    config: ServiceConfig,
    participants: Participants,
    own_tasks: Vec<Task>,
) -> Result<Running, StartError> {
    let ServiceConfig { name, db, bus, clock, settings, .. } = config;
    let calling = participants.0.iter().filter(|participant| participant.has_effects()).count();
    assert!(calling <= 1, "the requests of a service are performed by one participant");
    let (heartbeat, ownership) = if calling > 0 {
        let (heartbeat, ownership) = Heartbeat::start(name, db.clone(), clock.clone(), settings.heartbeat).await?;
        (Some(heartbeat), ownership)
    } else {
        (None, Ownership::none(clock.clone()))
    };
    let (stop, stop_relay) = (CancellationToken::new(), CancellationToken::new());
    let (relay, outbox, state) = Relay::new(
        name,
        db.clone(),
        bus.clone(),
        clock.clone(),
        config.dead_letter_topic,
        config.outbox_batch,
        stop_relay.clone(),
    );
    let mut topics = BTreeSet::new();
    let (mut handles, mut tasks, mut relays) = (HashMap::new(), JoinSet::new(), JoinSet::new());
    for participant in participants.0 {
        let context = Context {
            service: config.long_name,
            group: config.group.clone(),
            subscriptions: config.subscriptions.clone(),
            db: db.clone(),
            bus: bus.clone(),
            clock: clock.clone(),
            outbox: outbox.clone(),
            ownership: ownership.clone(),
            settings,
            stop: stop.clone(),
        };
        let id = participant.participant();
        let started = participant.start(context).await?;
        handles.insert(id, started.handle);
        topics.extend(started.topics);
        for task in started.tasks {
            tasks.spawn(task);
        }
    }
    let app = App::new(Inner {
        name,
        group: config.group,
        db: db.clone(),
        clock: clock.clone(),
        bus,
        participants: handles,
        topics,
        relay: state,
        outbox_limit: delta(config.outbox_limit),
        stop: stop.clone(),
        running: Mutex::new(HashSet::new()),
    });
    for task in own_tasks {
        tasks.spawn(task(app.clone(), stop.clone()));
    }
    tasks.spawn(retention::run(db.clone(), clock, delta(config.keep_inbox), stop.clone()));
    relays.spawn(relay.run());
    if let Some(heartbeat) = heartbeat {
        relays.spawn(heartbeat.run(stop_relay.clone()));
    }
    Ok(Running { app, db, stop, tasks, stop_relay, relay: relays })
}

impl Running {
    /// Finishes the batch in hand, publishes what is decided, and closes the database.
    pub async fn stop(self) {
        self.stop.cancel();
        join(self.tasks).await;
        self.stop_relay.cancel();
        join(self.relay).await;
        if let Err(error) = self.db.close().await {
            warn!(service = self.app.name(), %error, "the database did not close cleanly");
        }
    }
}

async fn join(mut tasks: JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            error!(%error, "a task has panicked"); // a bug of the platform: panics of participants and calls are caught
        }
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
