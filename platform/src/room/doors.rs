//! The doors of a room, and how they are opened.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::{Heard, Incoming, Room, inside::Inside, pump::pump};
use crate::{
    Clock, Db, Participant, Shutdown,
    bus::Bus,
    drill::Drill,
    effect::{Breaker, Effects, Outcome, Perform, Policy, Request, Worker},
    parking::{Parked, Patience},
    relay,
};

/// How a room works.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Inputs in one transaction, at most.
    pub batch: usize,
    pub patience: Patience,
    /// Calls to the outside at the same time.
    pub concurrency: usize,
}

/// What a room needs to open its doors.
pub(crate) struct Opening {
    pub service: &'static str,
    pub group: String,
    pub db: Db,
    pub bus: Arc<dyn Bus>,
    pub clock: Clock,
    pub outbox: relay::Sender,
    pub settings: Settings,
    pub drill: Drill,
    pub stopping: Shutdown,
}

/// A room before its doors open, whatever its types.
pub(crate) trait Closed: Send {
    fn open(self: Box<Self>, opening: Opening) -> BoxFuture<'static, Result<Opened, crate::StartError>>;
}

/// An open room, and the tasks that work in it: those that bring something in, and the room itself, which ends when
/// they and everybody else who might are gone.
pub(crate) struct Opened {
    pub doors: Box<dyn Open>,
    /// The topics it subscribes to.
    pub topics: Vec<Arc<str>>,
    pub tasks: Vec<BoxFuture<'static, ()>>,
}

/// The doors of an open room, whatever its types.
pub(crate) trait Open: Send + Sync {
    fn as_any(&self) -> &dyn Any;
}

/// The command door.
pub(crate) struct Doors<P: Participant> {
    pub commands: mpsc::Sender<Incoming<P::Input>>,
}

impl<P: Participant> Open for Doors<P> {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A participant, what it hears, and who performs what it asks for.
pub struct RoomPlan<P: Participant> {
    participant: P,
    heard: Heard,
    worker: Worker<P::Input>,
    linger: Duration,
}

impl<P: Participant> RoomPlan<P> {
    /// `heard`: which event types of which topics it reacts to.
    pub fn new(participant: P, heard: impl IntoIterator<Item = (&'static str, Vec<&'static str>)>) -> Self {
        Self { participant, heard: Heard::new(heard), worker: Worker::default(), linger: Duration::ZERO }
    }

    /// Requests of kind `R` are performed by this performer, behind its provider's breaker.
    #[must_use]
    pub fn performs<R: Request>(mut self, policy: Policy, breaker: &Breaker, performer: impl Perform<R>) -> Self
    where
        P::Input: From<Outcome<R>>,
    {
        self.worker.add(policy, breaker.clone(), performer);
        self
    }

    /// After a small batch so long passes from its beginning before the next one begins, so that more is decided at once.
    /// For what nobody waits for: whoever comes first after a pause is decided about at once, all others a little later, and
    /// so are the commands that the room takes.
    #[must_use]
    pub fn lingers(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }
}

impl<P: Participant> Closed for RoomPlan<P> {
    fn open(self: Box<Self>, it: Opening) -> BoxFuture<'static, Result<Opened, crate::StartError>> {
        Box::pin(async move {
            let settings = it.settings;
            let batch = settings.batch.max(2);
            // Who waits for a place is refused: the queue is not to shrink with small batches.
            let (commands, commands_in) = mpsc::channel((4 * batch).max(1024));
            let (chunks, chunks_in) = mpsc::channel(1); // decoded while the batch before is in the database
            let (finished, finished_in) = mpsc::unbounded_channel();
            let (jobs, jobs_in) = mpsc::unbounded_channel();

            let mut worker = self.worker;
            worker.concurrency = settings.concurrency.max(1);
            let names = worker.names();
            let leases: BTreeMap<_, _> = names.map(|name| (name, worker.lease(name))).collect();
            let effects = Effects {
                jobs,
                leases: Arc::new(leases),
                load: worker.load.clone(),
                most: 16 * settings.concurrency.max(batch),
            };
            let room = Room {
                participant: self.participant,
                service: it.service,
                db: it.db.clone(),
                clock: it.clock.clone(),
                patience: settings.patience,
                outbox: it.outbox,
                effects,
                parked: Parked::default(), // until it is known which partitions are ours
                stopping: it.stopping.clone(),
                without: it.drill.without,
            };
            let heard = Arc::new(self.heard);
            let inside = Inside {
                room,
                heard: heard.clone(),
                batch,
                look: it.drill.look,
                commands: commands_in,
                chunks: chunks_in,
                finished: finished_in,
                linger: self.linger,
                waiting: VecDeque::new(),
                foreign: BTreeSet::new(),
            };
            let mut tasks: Vec<BoxFuture<'static, ()>> = vec![Box::pin(inside.run(it.stopping.clone()))];
            if !worker.is_empty() {
                let worker = worker.run(it.db, it.clock, it.drill.look, jobs_in, finished, it.stopping.clone());
                tasks.push(Box::pin(worker));
            }
            let topics: Vec<Arc<str>> = heard.topics().map(Arc::from).collect();
            if !topics.is_empty() {
                let subscription = it.bus.join(&it.group, &topics, self.linger).await?;
                let pump = pump::<P>(subscription, heard, batch, self.linger, chunks, it.stopping);
                tasks.push(Box::pin(pump));
            }
            Ok(Opened { doors: Box::new(Doors::<P> { commands }), topics, tasks })
        })
    }
}
