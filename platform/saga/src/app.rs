//! The running service, as its HTTP handlers and tasks see it.

use std::{
    any::TypeId,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bus::{Bus, BusError, Follower};
use chrono::TimeDelta;
use clock::Clock;
use sea_orm::DatabaseConnection;
use store::{Db, StoreError};
use telemetry::{Trace, metrics::Sample};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Command, CommandContext, Delivery, IdempotentRequest, InputSource, Rejected, Replied, Verdict, backlog,
    outbox::RelayState,
    runtime::{Disposition, Handle, Item, ParticipantHandle},
    source::{Source, command::CommandSource},
};

/// Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub name: &'static str,
    /// The consumer group of its participants.
    pub group: String,
    pub db: Db,
    pub clock: Clock,
    pub bus: Arc<dyn Bus>,
    pub participants: HashMap<TypeId, Box<dyn Handle>>,
    /// The topics that its participants subscribe to.
    pub topics: BTreeSet<Arc<str>>,
    pub relay: Arc<RelayState>,
    /// Commands are refused when nothing could be published for longer.
    pub outbox_limit: TimeDelta,
    pub stop: CancellationToken,
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

    /// Cancelled when the service shuts down.
    pub fn stop(&self) -> CancellationToken {
        self.0.stop.clone()
    }

    /// A fresh id.
    pub fn new_id(&self) -> Uuid {
        self.0.clock.new_id()
    }

    /// Follows topics without a group, from now on.
    pub async fn follow(&self, topics: &[&str]) -> Result<Box<dyn Follower>, BusError> {
        let topics: Vec<Arc<str>> = topics.iter().map(|topic| Arc::from(*topic)).collect();
        self.0.bus.follow(&topics).await
    }

    /// How many records this service has not processed yet, by subscribed topic. A topic whose lag is unknown is absent.
    pub async fn lag(&self) -> Result<BTreeMap<String, u64>, BusError> {
        let topics: Vec<_> = self.0.topics.iter().cloned().collect();
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
        self.0.relay.stalled_for(self.0.clock.now()) <= self.0.outbox_limit
    }

    /// Has a command decided. Commands that come in at the same time share a transaction; each caller gets its own
    /// answer, after the commit.
    pub async fn execute<C: Command>(&self, command: C, trace: Trace) -> Result<C::Reply, Rejected<C::Refusal>> {
        match self.decide(command, CommandContext { trace, request: None }).await? {
            Disposition::Decided(Verdict::Answered(answer)) => {
                answer.to::<C>().ok_or(Rejected::Failed)?.map_err(Rejected::Refused)
            }
            _ => Err(Rejected::Failed),
        }
    }

    /// Has a command decided once, however often it is sent: a repeat gets the first reply, byte for byte.
    pub async fn execute_once<C: Command>(
        &self,
        command: C,
        request: IdempotentRequest,
        trace: Trace,
    ) -> Result<Replied, Rejected<C::Refusal>> {
        let _running = Running::begin(self, &request.key).ok_or(Rejected::InProgress)?;
        match self.decide(command, CommandContext { trace, request: Some(request) }).await? {
            Disposition::Decided(Verdict::Answered(answer)) => match answer.json() {
                Some(json) => Ok(Replied { json, replayed: false }),
                None => Err(answer.to::<C>().and_then(Result::err).map_or(Rejected::Failed, Rejected::Refused)),
            },
            Disposition::Replayed(json) => Ok(Replied { json, replayed: true }),
            Disposition::KeyReused => Err(Rejected::KeyReused),
            _ => Err(Rejected::Failed),
        }
    }

    async fn decide<C: Command>(
        &self,
        command: C,
        context: CommandContext,
    ) -> Result<Disposition, Rejected<C::Refusal>> {
        let handle = self.0.participants.get(&TypeId::of::<C::Participant>());
        let handle = handle.expect("the command's participant is part of the service");
        let handle: &ParticipantHandle<C::Participant> =
            handle.as_any().downcast_ref().expect("handles are stored by their participant's type");
        let (reply, disposition) = oneshot::channel();
        let delivery = Delivery {
            id: self.new_id(),
            source: InputSource::Command,
            key: command.key(),
            cause: None,
            at: self.0.clock.now(),
            sequence: 0,
            trace: context.trace,
            input: command.into(),
        };
        let source = Source::Command(CommandSource::new(context.request, reply));
        handle.commands.try_send(Item::new(delivery, source)).map_err(|_| Rejected::Overloaded)?;
        disposition.await.map_err(|_| Rejected::Failed)
    }

    fn running(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An idempotency key while its command is being decided.
struct Running<'a> {
    app: &'a App,
    key: String,
}

impl<'a> Running<'a> {
    /// `None`: a command with this key is being decided already.
    fn begin(app: &'a App, key: &str) -> Option<Self> {
        app.running().insert(key.to_owned()).then(|| Self { app, key: key.to_owned() })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.app.running().remove(&self.key);
    }
}
