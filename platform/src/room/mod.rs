//! A participant at work: what comes in by the four doors is decided in batches, one transaction each.

mod attempt;
mod doors;
mod events;
mod held;
mod inside;
mod notes;
mod pump;

use std::{collections::BTreeSet, ops::Range, panic::AssertUnwindSafe, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use rand::Rng;
use telemetry::{error_chain, panic_message};
use tokio::sync::oneshot;
use tracing::{error, warn};
use uuid::Uuid;

use crate::{
    Clock, Db, Delivery, Once, Participant, Shutdown, StoreError, Verdict,
    bus::{Outgoing, Partition, Record},
    drill::Safeguard,
    effect::{Effects, Job},
    letters::Class,
    parking::{self, Changes, Head, Parked, Patience, State},
    relay,
    store::Number,
    tables::parked,
};
use attempt::{Attempted, Failure};
pub(crate) use doors::{Closed, Doors, Open, Opening};
pub use doors::{RoomPlan, Settings};
pub use events::{Heard, Undecodable, decode};

/// A delivery, and where it came from.
pub(crate) struct Incoming<I> {
    pub delivery: Delivery<I>,
    pub source: Source,
}

/// Where a delivery came from, and so what becomes of it.
pub(crate) enum Source {
    Event(Record),
    /// An event that was set aside, on its way again.
    Parked(parked::Model),
    Command {
        once: Option<Once>,
        reply: Option<oneshot::Sender<Ending>>,
    },
    Outcome(Job),
    Reminder {
        name: String,
    },
}

/// How a delivery ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Decided, and the decision is durable.
    Decided(Verdict),
    /// Seen before.
    Repeated,
    /// An idempotent command that was answered before, with this.
    Replayed(String),
    /// The idempotency key belongs to another request.
    KeyReused,
    /// Set aside, durably.
    Parked,
    /// It failed, whatever was tried; nothing of it is saved.
    Failed,
}

/// A participant and what it works with.
pub(crate) struct Room<P: Participant> {
    pub participant: P,
    /// The service's name, as its events bear it.
    pub service: &'static str,
    pub db: Db,
    pub clock: Clock,
    pub patience: Patience,
    pub outbox: relay::Sender,
    /// Makes requests of its own decisions known to the worker, and says under which lease.
    pub effects: Effects,
    pub parked: Parked,
    pub stopping: Shutdown,
    /// Only for drills.
    pub without: Option<Safeguard>,
}

impl<P: Participant> Room<P> {
    /// Decides about all of them, in order. Never fails: while the database is ill it waits, and when the batch is, it
    /// finds out who is to blame and goes on without. `false`: the database is away and it is time to stop; what is not
    /// decided then comes again.
    pub(crate) async fn process(&mut self, batch: Vec<Incoming<P::Input>>) -> bool {
        let (deliveries, mut sources): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|one| (one.delivery, one.source)).unzip();
        let mut todo: Vec<Range<usize>> = Vec::new(); // the last comes first
        todo.push(0..deliveries.len());
        let (mut ill, mut conflicts) = (0_u32, 0_u32);
        let mut careful = self.without.is_some(); // (a drill may have no conflict to wait for)
        self.parked.next_round();
        while let Some(part) = todo.pop() {
            if part.is_empty() {
                continue;
            }
            let attempt = self.attempt(&deliveries[part.clone()], &sources[part.clone()], careful);
            let attempted = AssertUnwindSafe(attempt).catch_unwind().await;
            let failure = match attempted.unwrap_or_else(|panic| Err(Failure::Broken(panic_message(&*panic)))) {
                Ok(done) => {
                    self.committed(&deliveries[part.clone()], &mut sources[part], done);
                    (ill, conflicts) = (0, 0);
                    continue;
                }
                Err(failure) => failure,
            };
            match failure {
                Failure::Store(StoreError::Unavailable(cause)) => {
                    ill += 1;
                    if ill == 1 {
                        warn!(service = self.service, error = %cause, "the database is not available; trying until it is");
                    }
                    if self.stopping.is_triggered() {
                        return false;
                    }
                    self.pause(ill).await;
                    // Two that hoped may have waited for each other (MySQL locks what it finds in its way).
                    careful = true;
                    todo.push(part);
                    continue;
                }
                // Whatever else has failed: a repeat, decided as if it were new, may have done it.
                _ if !careful => {
                    careful = true;
                    todo.push(part);
                    continue;
                }
                Failure::Store(StoreError::Conflict(_)) if conflicts < 3 => {
                    conflicts += 1;
                    todo.push(part);
                    continue;
                }
                Failure::Store(cause) if part.len() == 1 => {
                    let index = part.start;
                    if !self.set_aside(&deliveries[index], &mut sources[index], &error_chain(&cause)).await {
                        return false;
                    }
                }
                Failure::Broken(message) if part.len() == 1 => {
                    let index = part.start;
                    if !self.set_aside(&deliveries[index], &mut sources[index], &message).await {
                        return false;
                    }
                }
                Failure::Store(_) | Failure::Broken(_) => {
                    let middle = part.start + part.len() / 2;
                    todo.extend([middle..part.end, part.start..middle]);
                }
                Failure::Panic { index: 0, message } => {
                    todo.push(part.start + 1..part.end);
                    if !self.set_aside(&deliveries[part.start], &mut sources[part.start], &message).await {
                        return false;
                    }
                }
                // What comes before the offender goes first; then it is found again, at the head of its part.
                Failure::Panic { index, .. } => {
                    let offender = part.start + index;
                    todo.extend([offender..part.end, part.start..offender]);
                }
            }
            conflicts = 0; // another part now
        }
        true
    }

    /// What is to happen after a commit: tell those who wait, wake relay and workers, remember what is parked.
    fn committed(&mut self, deliveries: &[Delivery<P::Input>], sources: &mut [Source], done: Attempted) {
        if let Some((row, announced)) = done.outbox {
            self.outbox.send(row, announced);
        }
        self.effects.hand_over(done.requests);
        self.parked = done.parked.unwrap_or_else(|| std::mem::take(&mut self.parked));
        if !self.parked.is_empty() {
            let mut decided = BTreeSet::new();
            for (delivery, ending) in deliveries.iter().zip(&done.endings) {
                if matches!(ending, Ending::Decided(Verdict::Done | Verdict::Answered(_))) {
                    decided.insert(delivery.key.to_string());
                }
            }
            self.parked.poke(&decided, self.clock.now());
        }
        for (source, ending) in sources.iter_mut().zip(done.endings) {
            if let Source::Command { reply, .. } = source
                && let Some(reply) = reply.take()
            {
                drop(reply.send(ending));
            }
        }
    }

    /// This one cannot be decided now. Whatever it is, it is not lost, and it blocks nobody but its own successors.
    async fn set_aside(&mut self, delivery: &Delivery<P::Input>, source: &mut Source, why: &str) -> bool {
        error!(service = self.service, door = ?delivery.door, order.id = %delivery.key, error = why, "a delivery failed and is set aside");
        let now = self.clock.now();
        let mut changes = Changes::default();
        match source {
            Source::Command { reply, .. } => {
                if let Some(reply) = reply.take() {
                    drop(reply.send(Ending::Failed));
                }
                return true;
            }
            Source::Event(record) => {
                let next = now + parking::delta(self.patience.first_retry);
                changes.changed.push(parking::row(delivery.id, P::NAME, record, State::Failing, why, now, next));
            }
            Source::Parked(row) => {
                row.failed_again(why, now, &self.patience);
                changes.tell(row, Class::Failed);
                changes.changed.push(row.clone());
            }
            // It is stored still, and comes again.
            Source::Outcome(job) => {
                return self.again_later(vec![(job.clone(), why.to_owned(), now + LATER)]).await;
            }
            Source::Reminder { name } => {
                return self.remind_later(delivery.key, name.clone()).await;
            }
        }
        let parked = changes.changed.first().cloned();
        let written = self.insist(&Aside::Park(changes)).await;
        if let Some(row) = parked {
            self.parked.stay(&row);
        }
        written
    }

    /// From now on these partitions are ours, and no others: what is parked of theirs is our business.
    pub(crate) async fn moved_to(&mut self, ours: &BTreeSet<Partition>) -> bool {
        let mut failures = 0;
        loop {
            let load = async {
                let tx = self.db.begin().await?;
                let parked = Parked::load(&tx, P::NAME, ours).await?;
                tx.commit().await?;
                Ok::<_, StoreError>(parked)
            };
            match load.await {
                Ok(parked) => {
                    self.parked = parked;
                    return true;
                }
                Err(cause) => {
                    failures += 1;
                    warn!(
                        service = self.service,
                        error = error_chain(&cause),
                        "the database is not available; trying until it is"
                    );
                    if self.stopping.is_triggered() {
                        return false;
                    }
                    self.pause(failures).await;
                }
            }
        }
    }

    /// A record that cannot even be read: a dead letter.
    pub(crate) async fn bury(&mut self, record: &Record, why: &str) -> bool {
        error!(service = self.service, topic = %record.topic, partition = record.partition, offset = record.offset, error = why, "a record cannot be read and is set aside");
        let now = self.clock.now();
        let row = parking::row(parking::id_of(P::NAME, record), P::NAME, record, State::Dead, why, now, now);
        let queue = row.queue();
        // It may have been buried before, and the position not committed: then it is the same row.
        let mut changes = Changes::default();
        changes.tell(&row, Class::Undecodable);
        changes.changed.push(row);
        let written = self.insist(&Aside::Park(changes)).await;
        if !self.parked.blocks(&queue) {
            self.parked.set(queue, Head::Dead);
        }
        written
    }

    /// A reminder that could not be decided stays, and comes again.
    pub(crate) async fn remind_later(&self, key: Uuid, name: String) -> bool {
        let due = self.clock.now() + LATER;
        self.insist(&Aside::Postpone { key, name, due }).await
    }

    /// Effects that are to be tried again then.
    pub(crate) async fn again_later(&self, later: Vec<notes::Later>) -> bool {
        self.insist(&Aside::Later(later)).await
    }

    /// Writes it in a transaction of its own, again and again until the database lets it, or until it is time to stop.
    async fn insist(&self, aside: &Aside) -> bool {
        let mut failures = 0;
        loop {
            let announced = self.outbox.announce();
            let cause = match aside.write(&self.db, self.clock.now()).await {
                Ok(None) => return true,
                Ok(Some((number, letters))) => {
                    self.outbox.send(relay::Row::new(number.get(), letters), announced);
                    return true;
                }
                Err(cause) => cause,
            };
            failures += 1;
            warn!(
                service = self.service,
                error = error_chain(&cause),
                "the database is not available; trying until it is"
            );
            if self.stopping.is_triggered() {
                return false;
            }
            self.pause(failures).await;
        }
    }

    /// Backoff while the database is ill: 50 ms … 5 s, jittered.
    async fn pause(&self, failures: u32) {
        let most = (25_u64 << failures.min(8)).min(5000);
        let wait = Duration::from_millis(rand::rng().random_range(most / 2..=most));
        tokio::select! { () = tokio::time::sleep(wait) => {} () = self.stopping.wait() => {} }
    }
}

/// What is written about deliveries that could not be decided.
enum Aside {
    Park(Changes),
    Later(Vec<notes::Later>),
    Postpone { key: Uuid, name: String, due: DateTime<Utc> },
}

impl Aside {
    /// And says what of it is to be published, with its number in the outbox.
    async fn write(&self, db: &Db, now: DateTime<Utc>) -> Result<Option<(Number, Vec<Outgoing>)>, StoreError> {
        let tx = db.begin().await?;
        let mut letters = None;
        match self {
            Self::Park(changes) => {
                changes.save(&tx).await?;
                letters = notes::enqueue(&tx, now, changes.letters.clone()).await?;
            }
            Self::Later(later) => notes::put_off(&tx, later).await?,
            Self::Postpone { key, name, due } => {
                notes::postpone(&tx, &[(*key, name.clone(), *due)]).await?;
            }
        }
        tx.commit().await?;
        Ok(letters)
    }
}

/// When what failed inside comes again.
const LATER: TimeDelta = TimeDelta::seconds(30);
