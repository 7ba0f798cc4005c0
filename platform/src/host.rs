//! Starts services, and stops them in good order.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};
use tokio::task::JoinSet;
use tracing::{debug, error, warn};
use uuid::Uuid;

use crate::{
    App, Clock, Db, Service, Shutdown, StoreError, bulk,
    bus::{Bus, BusError},
    http::{OpenApiRouter, ProblemType},
    migrations::SchemaError,
    parking,
    relay::Relay,
    room::{Opening, Settings},
    service::Inner,
    store::OpenError,
    tables::{effect, effect_batch, idempotency, inbox},
};

/// What services are started on.
#[derive(Clone)]
pub struct Host {
    pub bus: Arc<dyn Bus>,
    pub clock: Clock,
    pub settings: Settings,
    /// Connections to its database, per service.
    pub connections: u32,
    /// Before every consumer group's name.
    pub group_prefix: String,
    /// Nothing more is accepted when nothing could be published for so long.
    pub outbox_limit: Duration,
    /// Messages published at once, as long as a transaction has no more.
    pub outbox_batch: usize,
    /// How long repeats of an event are recognised.
    pub keep_inbox: Duration,
}

/// How long repeats of an idempotent request are recognised.
const KEEP_ANSWERS: chrono::TimeDelta = chrono::TimeDelta::days(7);

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{service}")]
    Schema {
        service: &'static str,
        #[source]
        cause: SchemaError,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// A running service.
pub struct Running {
    pub app: App,
    /// What it offers over HTTP.
    pub routes: OpenApiRouter,
    pub problems: &'static [&'static ProblemType],
    /// A pretended part of the outside world: stops last, others may be waiting for its answers.
    pub outside: bool,
    db: Db,
    stop: Shutdown,
    tasks: JoinSet<()>,
    stop_relay: Shutdown,
    relay: JoinSet<()>,
}

impl Host {
    /// Opens the service's database, brings its schema up to date, and opens its doors. When it fails nothing runs.
    pub async fn start(&self, service: Service, database_url: &str) -> Result<Running, StartError> {
        let db = Db::open(database_url, self.connections).await?;
        service.migrate(&db).await?;
        self.run(service, db).await
    }

    /// Opens its doors, on a database whose schema is up to date. When it fails nothing runs.
    pub async fn run(&self, service: Service, db: Db) -> Result<Running, StartError> {
        if db.is_exclusive() {
            release_leases(&db, &self.clock).await?;
        }

        let (stop, stop_relay) = (Shutdown::new(), Shutdown::new());
        let (relay, outbox, state) =
            Relay::new(service.name, db.clone(), self.bus.clone(), self.clock.clone(), self.outbox_batch);
        let group = format!("{}{}", self.group_prefix, service.name);
        let (mut rooms, mut tasks, mut relays) = (HashMap::new(), JoinSet::new(), JoinSet::new());
        let mut topics = BTreeSet::new();
        for (id, plan) in service.rooms {
            let opening = Opening {
                service: service.long_name,
                group: group.clone(),
                db: db.clone(),
                bus: self.bus.clone(),
                clock: self.clock.clone(),
                outbox: outbox.clone(),
                settings: self.settings,
                drill: service.drill,
                stopping: stop.clone(),
            };
            let opened = plan.open(opening).await?;
            rooms.insert(id, opened.doors);
            topics.extend(opened.topics);
            for task in opened.tasks {
                tasks.spawn(task);
            }
        }
        let app = App::new(Inner {
            name: service.name,
            group,
            db: db.clone(),
            clock: self.clock.clone(),
            bus: self.bus.clone(),
            rooms,
            topics,
            outbox: state,
            limit_age: parking::delta(self.outbox_limit),
            stopping: stop.clone(),
            running: Mutex::new(HashSet::new()),
        });
        for task in service.tasks {
            tasks.spawn(task(app.clone(), stop.clone()));
        }
        tasks.spawn(tidy(db.clone(), self.clock.clone(), parking::delta(self.keep_inbox), stop.clone()));
        relays.spawn(relay.run(stop_relay.clone()));
        let routes = service.routes.map_or_else(OpenApiRouter::new, |routes| routes(app.clone()));
        let (problems, outside) = (service.problems, service.outside);
        Ok(Running { app, routes, problems, outside, db, stop, tasks, stop_relay, relay: relays })
    }
}

impl Running {
    /// Finishes what is in hand, publishes what is decided, and closes the database.
    pub async fn stop(self) {
        self.stop.trigger();
        finish(self.tasks).await;
        self.stop_relay.trigger();
        finish(self.relay).await;
        if let Err(error) = self.db.close().await {
            warn!(service = self.app.name(), %error, "the database did not close well");
        }
    }
}

async fn finish(mut tasks: JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(cause) = ended {
            error!(%cause, "a task has panicked"); // a bug of the platform: rooms and workers catch what is not theirs
        }
    }
}

/// Effects that an earlier process had taken are free again: it is gone, or it would still have the database.
async fn release_leases(db: &Db, clock: &Clock) -> Result<(), StoreError> {
    let tx = db.begin().await?;
    let rows = effect::Entity::update_many()
        .col_expr(effect::Column::Due, Expr::value(clock.now()))
        .col_expr(effect::Column::Leased, Expr::value(false))
        .filter(effect::Column::Leased.eq(true));
    tx.execute(rows).await?;
    let batches = effect_batch::Entity::update_many().col_expr(effect_batch::Column::Due, Expr::value(clock.now()));
    tx.execute(batches).await?;
    tx.commit().await
}

/// Forgets what is too old to be repeated, a little at a time.
async fn tidy(db: Db, clock: Clock, keep_inbox: chrono::TimeDelta, stopping: Shutdown) {
    let mut hourly = tokio::time::interval(Duration::from_hours(1));
    loop {
        tokio::select! { () = stopping.wait() => return, _ = hourly.tick() => {} }
        while let Ok(true) = forget_some(&db, &clock, keep_inbox).await {
            if stopping.is_triggered() {
                return;
            }
            tokio::task::yield_now().await;
        }
        debug!("old inbox and idempotency entries are forgotten");
    }
}

/// `true`: there may be more.
async fn forget_some(db: &Db, clock: &Clock, keep_inbox: chrono::TimeDelta) -> Result<bool, StoreError> {
    const SOME: u64 = 1000;
    let now = clock.now();
    // Event ids are UUID v7: they begin with their time, and the inbox is kept in their order.
    let millis = u64::try_from((now - keep_inbox).timestamp_millis()).unwrap_or_default();
    let oldest = uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid();
    let events = inbox::Entity::find().filter(inbox::Column::EventId.lt(oldest)).limit(SOME).all(db.reader()).await?;
    let answers = idempotency::Entity::find()
        .filter(idempotency::Column::At.lt(now - KEEP_ANSWERS))
        .limit(SOME)
        .all(db.reader())
        .await?;
    let more = events.len() as u64 == SOME || answers.len() as u64 == SOME;
    let events: Vec<(Uuid, String)> = events.into_iter().map(|row| (row.event_id, row.participant)).collect();
    let answers: Vec<String> = answers.into_iter().map(|row| row.key).collect();
    if !events.is_empty() || !answers.is_empty() {
        let tx = db.begin().await?;
        let mut gone = bulk::delete::<inbox::Entity>(&tx, &events).await?;
        gone += bulk::delete::<idempotency::Entity>(&tx, &answers).await?;
        tx.commit().await?;
        if gone == 0 {
            return Ok(false); // another process is at it, or the replica is behind
        }
    }
    Ok(more)
}
