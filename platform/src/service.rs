//! A service: its rooms, its schema and its routes; and the running service as its HTTP handlers see it.

use std::{
    any::TypeId,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use sea_orm::DatabaseConnection;
use sea_orm_migration::MigratorTrait;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{
    Asked, Clock, Command, Db, Delivery, Door, Once, Participant, Refused, Replied, RoomPlan, Shutdown, StartError,
    StoreError, Trace, Verdict, backlog,
    bus::{Bus, BusError, Follower},
    drill::{Drill, Safeguard},
    http::{OpenApiRouter, ProblemType, metrics::Sample},
    migrations::{self, SchemaError},
    relay::State as Outbox,
    room::{Closed, Doors, Ending, Incoming, Open, Source},
};

type OnSchema = for<'a> fn(&'a Db) -> BoxFuture<'a, Result<(), SchemaError>>;
type Routes = Box<dyn FnOnce(App) -> OpenApiRouter + Send>;
type Task = Box<dyn FnOnce(App, Shutdown) -> BoxFuture<'static, ()> + Send>;

/// Everything a service consists of.
pub struct Service {
    pub(crate) name: &'static str,
    pub(crate) long_name: &'static str,
    /// Brings its tables up to date, and looks whether they are.
    pub(crate) schema: Option<(OnSchema, OnSchema)>,
    pub(crate) rooms: Vec<(TypeId, Box<dyn Closed>)>,
    pub(crate) routes: Option<Routes>,
    pub(crate) problems: &'static [&'static ProblemType],
    pub(crate) tasks: Vec<Task>,
    pub(crate) outside: bool,
    pub(crate) drill: Drill,
}

impl Service {
    /// `name`: in the command line, the database, the configuration and the consumer group; `long_name`: in events
    /// (`ce_source`) and `/admin`. Never rename either.
    pub fn named(name: &'static str, long_name: &'static str) -> Self {
        Self {
            name,
            long_name,
            schema: None,
            rooms: vec![],
            routes: None,
            problems: &[],
            tasks: vec![],
            outside: false,
            drill: Drill::default(),
        }
    }

    /// Its schema.
    #[must_use]
    pub fn migrations<M: MigratorTrait + 'static>(mut self) -> Self {
        self.schema = Some((|db| Box::pin(migrations::migrate::<M>(db)), |db| Box::pin(migrations::check::<M>(db))));
        self
    }

    /// One of its rooms; most services have one.
    #[must_use]
    pub fn room<P: Participant>(mut self, plan: RoomPlan<P>) -> Self {
        self.rooms.push((TypeId::of::<P>(), Box::new(plan)));
        self
    }

    /// What it offers over HTTP, and the problem types of its own that its answers may bear.
    #[must_use]
    pub fn routes(
        mut self,
        routes: impl FnOnce(App) -> OpenApiRouter + Send + 'static,
        problems: &'static [&'static ProblemType],
    ) -> Self {
        self.routes = Some(Box::new(routes));
        self.problems = problems;
        self
    }

    /// Something that runs beside the rooms until it is told to stop.
    #[must_use]
    pub fn task<F: Future<Output = ()> + Send + 'static>(
        mut self,
        task: impl FnOnce(App, Shutdown) -> F + Send + 'static,
    ) -> Self {
        self.tasks.push(Box::new(move |app, stopping| Box::pin(task(app, stopping))));
        self
    }

    /// It is no part of the shop but pretends to be the world outside: neither hears nor publishes events, and stops last.
    #[must_use]
    pub fn outside(mut self) -> Self {
        self.outside = true;
        self
    }

    /// Its short name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn is_outside(&self) -> bool {
        self.outside
    }

    /// Brings the schema of its database up to date: the platform's tables and its own.
    pub async fn migrate(&self, db: &Db) -> Result<(), StartError> {
        let schema = |cause| StartError::Schema { service: self.name, cause };
        migrations::migrate::<migrations::Platform>(db).await.map_err(schema)?;
        match self.schema {
            Some((migrate, _)) => migrate(db).await.map_err(schema),
            None => Ok(()),
        }
    }

    /// Whether the schema of its database is up to date.
    pub async fn check(&self, db: &Db) -> Result<(), StartError> {
        let schema = |cause| StartError::Schema { service: self.name, cause };
        migrations::check::<migrations::Platform>(db).await.map_err(schema)?;
        match self.schema {
            Some((_, check)) => check(db).await.map_err(schema),
            None => Ok(()),
        }
    }

    /// Works without one of its safeguards, so that a test can show that somebody notices.
    #[doc(hidden)]
    #[must_use]
    pub fn without(mut self, safeguard: Safeguard) -> Self {
        self.drill.without = Some(safeguard);
        self
    }

    /// Looks for what is due more often, so that tests with a manual clock are quick.
    #[doc(hidden)]
    #[must_use]
    pub fn looks_every(mut self, interval: Duration) -> Self {
        self.drill.look = interval;
        self
    }
}

/// The running service, as its HTTP handlers and tasks see it. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub name: &'static str,
    /// The consumer group of its rooms.
    pub group: String,
    pub db: Db,
    pub clock: Clock,
    pub bus: Arc<dyn Bus>,
    pub rooms: HashMap<TypeId, Box<dyn Open>>,
    /// The topics that its rooms subscribe to.
    pub topics: BTreeSet<Arc<str>>,
    pub outbox: Arc<Outbox>,
    /// Nothing more is accepted when nothing could be published for so long.
    pub limit_age: TimeDelta,
    pub stopping: Shutdown,
    /// Idempotency keys of commands that are being decided.
    pub running: Mutex<HashSet<String>>,
}

impl App {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The short name of the service.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// For queries.
    pub fn db(&self) -> &DatabaseConnection {
        self.0.db.reader()
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn stopping(&self) -> Shutdown {
        self.0.stopping.clone()
    }

    /// Follows topics without a group, from now on.
    pub async fn follow(&self, topics: &[&str]) -> Result<Box<dyn Follower>, BusError> {
        let topics: Vec<Arc<str>> = topics.iter().map(|topic| Arc::from(*topic)).collect();
        self.0.bus.follow(&topics).await
    }

    /// How many records of these topics this service has not dealt with yet. A topic whose lag is unknown is absent.
    pub async fn lag(&self, topics: &[&str]) -> Result<BTreeMap<String, u64>, BusError> {
        let topics: Vec<Arc<str>> = topics.iter().map(|topic| Arc::from(*topic)).collect();
        let mut behind = BTreeMap::new();
        for lag in self.0.bus.lag(&self.0.group, &topics).await? {
            *behind.entry(lag.partition.topic.to_string()).or_default() += lag.records;
        }
        Ok(behind)
    }

    /// What is in the tables of its database and should not stay there, for `/metrics`.
    pub async fn backlog(&self) -> Result<Vec<Sample>, StoreError> {
        backlog::samples(self.0.name, &self.0.db, &self.0.topics).await
    }

    /// Whether more may be accepted: false when nothing could be published for too long.
    pub fn admits(&self) -> bool {
        self.0.outbox.age(self.0.clock.now()) <= self.0.limit_age
    }

    /// Has a command decided. Commands that come in at the same time share a transaction; each caller gets its own
    /// answer, after the commit.
    pub async fn execute<C: Command>(&self, command: C, trace: Trace) -> Result<C::Reply, Refused<C::Refusal>> {
        match self.decide(command, Asked { trace, once: None }).await? {
            Ending::Decided(Verdict::Answered(answer)) => answer.to::<C>().ok_or(Refused::Failed)?.map_err(Refused::By),
            _ => Err(Refused::Failed),
        }
    }

    /// Has a command decided once, however often it is sent: a repeat is answered with the first answer, byte for byte.
    pub async fn execute_once<C: Command>(
        &self,
        command: C,
        once: Once,
        trace: Trace,
    ) -> Result<Replied, Refused<C::Refusal>> {
        let _running = Running::begin(self, &once.key).ok_or(Refused::InProgress)?;
        match self.decide(command, Asked { trace, once: Some(once) }).await? {
            Ending::Decided(Verdict::Answered(answer)) => match answer.json() {
                Some(json) => Ok(Replied { json, replayed: false }),
                None => Err(answer.to::<C>().and_then(Result::err).map_or(Refused::Failed, Refused::By)),
            },
            Ending::Replayed(json) => Ok(Replied { json, replayed: true }),
            Ending::KeyReused => Err(Refused::KeyReused),
            _ => Err(Refused::Failed),
        }
    }

    async fn decide<C: Command>(&self, command: C, asked: Asked) -> Result<Ending, Refused<C::Refusal>> {
        let room = self.0.rooms.get(&TypeId::of::<C::Room>()).expect("the command's room is part of the service");
        let doors: &Doors<C::Room> = room.as_any().downcast_ref().expect("rooms are kept by their type");
        let (reply, ending) = oneshot::channel();
        let delivery = Delivery {
            id: self.0.clock.new_id(),
            door: Door::Command,
            key: command.key(),
            cause: None,
            at: self.0.clock.now(),
            sequence: 0,
            trace: asked.trace,
            input: command.into(),
        };
        let source = Source::Command { once: asked.once, reply: Some(reply) };
        doors.commands.try_send(Incoming { delivery, source }).map_err(|_| Refused::Overloaded)?;
        ending.await.map_err(|_| Refused::Failed)
    }

    /// A fresh id.
    pub fn new_id(&self) -> Uuid {
        self.0.clock.new_id()
    }
}

/// An idempotency key while its command is being decided.
struct Running<'a>(&'a App, String);

impl<'a> Running<'a> {
    fn begin(app: &'a App, key: &str) -> Option<Self> {
        let mut running = app.0.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        running.insert(key.to_owned()).then(|| Self(app, key.to_owned()))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut running = self.0.0.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        running.remove(&self.1);
    }
}
