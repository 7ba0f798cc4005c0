//! The doors of a room, and the loop behind them.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use metrics::{counter, histogram};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};

use super::{Heard, Incoming, Room, Source, attempt::Effects, events::decode};
use crate::{
    drill::Drill,
    Clock, Db, Delivery, Door, Participant, Shutdown, StoreError, Trace,
    bus::{Bus, Partition, Position, Record},
    decode as body,
    effect::{Breaker, Finished, Outcome, Perform, Policy, Request, Worker},
    parking::{self, Head, Parked, Patience},
    relay,
    tables::reminder,
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
    linger: Option<Duration>,
}

impl<P: Participant> RoomPlan<P> {
    /// `heard`: which event types of which topics it reacts to.
    pub fn new(participant: P, heard: impl IntoIterator<Item = (&'static str, Vec<&'static str>)>) -> Self {
        Self { participant, heard: Heard::new(heard), worker: Worker::default(), linger: None }
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

    /// Small batches of events wait this long before the next is taken, so that more is folded at once. For folds nobody
    /// waits for.
    #[must_use]
    pub fn lingers(mut self, linger: Duration) -> Self {
        self.linger = Some(linger);
        self
    }
}

/// Records taken from the bus; `None` for what cannot be read. Answered when all of them are dealt with.
struct Chunk<I> {
    events: Vec<Result<Incoming<I>, (Record, String)>>,
    done: oneshot::Sender<()>,
}

impl<P: Participant> Closed for RoomPlan<P> {
    fn open(self: Box<Self>, it: Opening) -> BoxFuture<'static, Result<Opened, crate::StartError>> {
        Box::pin(async move {
            let settings = it.settings;
            let batch = settings.batch.max(2);
            let (commands, commands_in) = mpsc::channel(4 * batch);
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
            let tx = it.db.begin().await?;
            let parked = Parked::load(&tx, P::NAME).await?;
            tx.commit().await.map_err(StoreError::from)?;

            let room = Room {
                participant: self.participant,
                service: it.service,
                db: it.db.clone(),
                clock: it.clock.clone(),
                patience: settings.patience,
                outbox: it.outbox,
                effects,
                parked,
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
                let subscription = it.bus.subscribe(&it.group, &topics).await?;
                let pump = pump::<P>(subscription, heard, batch, self.linger, chunks, it.stopping);
                tasks.push(Box::pin(pump));
            }
            Ok(Opened { doors: Box::new(Doors::<P> { commands }), tasks })
        })
    }
}

/// Brings records from the bus into the room, and commits what it has dealt with.
async fn pump<P: Participant>(
    mut subscription: Box<dyn crate::bus::Subscription>,
    heard: Arc<Heard>,
    batch: usize,
    linger: Option<Duration>,
    chunks: mpsc::Sender<Chunk<P::Input>>,
    stopping: Shutdown,
) {
    let mut at_work: VecDeque<(Vec<Position>, oneshot::Receiver<()>)> = VecDeque::new();
    let mut failures = 0_u32;
    loop {
        tokio::select! {
            biased;
            done = async { (&mut at_work.front_mut().expect("not empty").1).await }, if !at_work.is_empty() => {
                let (positions, _) = at_work.pop_front().expect("not empty");
                if done.is_err() {
                    break; // the room is gone, and these are not decided
                }
                if let Err(error) = subscription.commit(&positions).await {
                    warn!(%error, "positions cannot be committed now; repeats are possible");
                }
            }
            () = stopping.wait() => break,
            taken = subscription.next(batch), if at_work.len() < 2 => {
                let taken = match taken {
                    Ok(taken) => taken,
                    Err(error) => {
                        failures += 1;
                        if failures == 1 {
                            warn!(%error, "the bus cannot be read now; trying until it can");
                        }
                        let wait = Duration::from_millis((25 << failures.min(8)).min(5000));
                        tokio::select! { () = tokio::time::sleep(wait) => {} () = stopping.wait() => {} }
                        continue;
                    }
                };
                failures = 0;
                let positions = positions(&taken.records);
                let few = taken.records.len() < batch / 2;
                let events = taken.records.into_iter().filter_map(|record| incoming::<P>(&heard, record)).collect();
                let (done, is_done) = oneshot::channel();
                at_work.push_back((positions, is_done));
                if chunks.send(Chunk { events, done }).await.is_err() {
                    break;
                }
                if let Some(linger) = linger.filter(|_| few) {
                    tokio::select! { () = tokio::time::sleep(linger) => {} () = stopping.wait() => {} }
                }
            }
        }
    }
    // What the room has taken it finishes.
    drop(chunks);
    while let Some((positions, done)) = at_work.pop_front() {
        if done.await.is_err() {
            break;
        }
        drop(subscription.commit(&positions).await);
    }
    subscription.close().await;
}

fn incoming<P: Participant>(heard: &Heard, record: Record) -> Option<Result<Incoming<P::Input>, (Record, String)>> {
    match decode::<P>(heard, &record) {
        Ok(delivery) => Some(Ok(Incoming { delivery: delivery?, source: Source::Event(record) })),
        Err(error) => Some(Err((record, error.0))),
    }
}

/// The positions behind these records.
fn positions(records: &[Record]) -> Vec<Position> {
    let mut next: BTreeMap<(&Arc<str>, i32), i64> = BTreeMap::new();
    for record in records {
        next.insert((&record.topic, record.partition), record.offset + 1);
    }
    let position = |((topic, partition), next): ((&Arc<str>, i32), i64)| Position {
        partition: Partition { topic: topic.clone(), partition },
        next,
    };
    next.into_iter().map(position).collect()
}

/// The room's side of the doors.
struct Inside<P: Participant> {
    room: Room<P>,
    heard: Arc<Heard>,
    batch: usize,
    /// How often due reminders and parked records are looked for.
    look: Duration,
    commands: mpsc::Receiver<Incoming<P::Input>>,
    chunks: mpsc::Receiver<Chunk<P::Input>>,
    finished: mpsc::UnboundedReceiver<Finished<P::Input>>,
    /// Reminders and parked records that are due.
    waiting: VecDeque<Incoming<P::Input>>,
    /// Names of reminders that are no input of this room.
    foreign: BTreeSet<String>,
}

impl<P: Participant> Inside<P> {
    /// Works until it is told to stop and nobody can bring anything any more.
    async fn run(mut self, stopping: Shutdown) {
        let mut look = tokio::time::interval(self.look);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut closing = false;
        loop {
            let mut chunk = None;
            let mut batch = Vec::new();
            let mut finished = Vec::new();
            tokio::select! {
                biased;
                _ = look.tick(), if !closing => self.look().await,
                Some(command) = self.commands.recv() => batch.push(command), // someone waits for its answer
                Some(one) = self.finished.recv() => finished.push(one),
                Some(events) = self.chunks.recv() => chunk = Some(events),
                () = stopping.wait(), if !closing => {
                    closing = true;
                    self.commands.close(); // those in it are still answered
                }
                else => break,
            }
            // Whoever has just got an answer may ask again at once: let them, before this batch is closed.
            tokio::task::yield_now().await;
            if chunk.is_none() {
                chunk = self.chunks.try_recv().ok();
            }
            // Events keep half of the places whenever any wait.
            let places = if chunk.is_some() { self.batch / 2 } else { self.batch };
            while batch.len() < places && let Ok(command) = self.commands.try_recv() {
                batch.push(command);
            }
            while finished.len() < self.batch && let Ok(one) = self.finished.try_recv() {
                finished.push(one);
            }
            batch.extend(self.waiting.drain(..));
            self.decide(batch, finished, chunk).await;
            if !self.room.parked.is_empty() {
                self.wake_parked().await;
            }
        }
    }

    async fn decide(&mut self, mut batch: Vec<Incoming<P::Input>>, finished: Vec<Finished<P::Input>>, chunk: Option<Chunk<P::Input>>) {
        let mut later = Vec::new();
        for one in finished {
            match one {
                Finished::Outcome { job, input } => {
                    let delivery = Delivery {
                        id: self.room.clock.new_id(),
                        door: Door::Outcome,
                        key: job.about,
                        cause: job.cause,
                        at: self.room.clock.now(),
                        sequence: 0,
                        trace: Trace::parse(job.trace.as_bytes()).unwrap_or_default(),
                        input,
                    };
                    batch.push(Incoming { delivery, source: Source::Outcome(job) });
                }
                Finished::Later { job, error, due } => later.push((job, error, due)),
            }
        }
        if !later.is_empty() {
            self.room.again_later(later).await;
        }
        let (events, done) = chunk.map_or((vec![], None), |chunk| (chunk.events, Some(chunk.done)));
        for event in events {
            match event {
                Ok(event) => batch.push(event),
                Err((record, why)) => {
                    // What came before it goes first.
                    self.process(std::mem::take(&mut batch)).await;
                    self.room.bury(&record, &why).await;
                }
            }
        }
        self.process(batch).await;
        if let Some(done) = done {
            let _ = done.send(()); // a pump that is gone does not ask
        }
    }

    async fn process(&mut self, batch: Vec<Incoming<P::Input>>) {
        if batch.is_empty() {
            return;
        }
        let (service, begun) = (self.room.service, std::time::Instant::now());
        counter!("uzon_deliveries_total", "service" => service).increment(batch.len() as u64);
        histogram!("uzon_batch_size", "service" => service).record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
        self.room.process(batch).await;
        histogram!("uzon_batch_seconds", "service" => service).record(begun.elapsed().as_secs_f64());
    }

    /// Fetches what is due.
    async fn look(&mut self) {
        let now = self.room.clock.now();
        let due = reminder::Entity::find()
            .filter(reminder::Column::Due.lte(now))
            .filter(reminder::Column::Name.is_not_in(&self.foreign))
            .order_by_asc(reminder::Column::Due)
            .limit(self.batch as u64)
            .all(self.room.db.writer())
            .await;
        match due {
            Ok(rows) => {
                for row in rows {
                    self.remind(row).await;
                }
            }
            Err(error) => warn!(%error, "reminders cannot be read now"),
        }
        self.wake_parked().await;
    }

    async fn remind(&mut self, row: reminder::Model) {
        match body::decode::<P::Input>(&row.name, row.body.as_bytes()) {
            Ok(Some(input)) => {
                let delivery = Delivery {
                    id: row.id,
                    door: Door::Reminder,
                    key: row.key,
                    cause: row.cause,
                    at: row.due,
                    sequence: 0,
                    trace: Trace::parse(row.trace.as_bytes()).unwrap_or_default(),
                    input,
                };
                self.waiting.push_back(Incoming { delivery, source: Source::Reminder { name: row.name } });
            }
            Ok(None) => {
                debug!(reminder = row.name, "a reminder of another room, or of an earlier version of this one");
                self.foreign.insert(row.name);
            }
            Err(error) => {
                warn!(reminder = row.name, order.id = %row.key, %error, "a stored reminder cannot be read by this program");
                self.room.remind_later(row.key, row.name).await;
            }
        }
    }

    /// Brings in the parked records that may be tried now, and those behind them.
    async fn wake_parked(&mut self) {
        let due = self.room.parked.due(self.room.clock.now());
        if due.is_empty() {
            return;
        }
        if let Err(error) = self.load_parked(due).await {
            warn!(error = %error, "parked records cannot be read now");
        }
        let parked = self.waiting.drain(..).collect();
        self.process(parked).await;
    }

    async fn load_parked(&mut self, queues: Vec<parking::Queue>) -> Result<(), StoreError> {
        let tx = self.room.db.begin().await?;
        for queue in queues {
            let rows = parking::rows_of(&tx, P::NAME, &queue).await?;
            let Some(head) = rows.front() else {
                self.room.parked.clear(&queue); // it has drained
                continue;
            };
            if head.is_dead() {
                self.room.parked.set(queue, Head::Dead);
                continue;
            }
            // Not before it is decided or parked anew; or when it can't be read: perhaps by the next version.
            self.room.parked.set(queue, Head::Due(self.room.clock.now() + TimeDelta::seconds(30)));
            for row in rows.into_iter().take_while(|row| !row.is_dead()) {
                let delivery = row.to_record().and_then(|record| decode::<P>(&self.heard, &record).ok()).flatten();
                match delivery {
                    Some(delivery) => self.waiting.push_back(Incoming { delivery, source: Source::Parked(row) }),
                    None => {
                        warn!(parked.id = %row.id, "a parked record cannot be read by this program");
                        break;
                    }
                }
            }
        }
        tx.commit().await.map_err(StoreError::from)
    }
}
