//! One attempt at a batch: load, decide, and save what changed together with what follows from it.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use chrono::{DateTime, Utc};
use effects::{DueNow, Job, batch};
use futures_util::FutureExt;
use metrics::counter;
use store::{StoreError, Tx, bulk};
use telemetry::{error_chain, panic_message};
use tracing::warn;
use uuid::Uuid;

use super::{Item, Progress, Runtime, RuntimeConfig};
use crate::{
    Consequences, Delivery, Participant, Sighting, Verdict, Workset,
    dead_letter::{
        parking::ParkingChanges,
        queues::{Head, ParkedChanges, ParkedView},
    },
    outbox,
    source::{
        DedupState, Source, outcome,
        reminder::{self, Postponed},
    },
    tables::{idempotency, parked},
};

/// Why an attempt was rolled back.
pub(crate) enum Failure {
    Store(StoreError),
    /// The commit has failed, or succeeded without an answer: then these requests are stored and belong to this process.
    Commit {
        error: StoreError,
        requests: Vec<Job>,
    },
    /// The decision about this item panicked, or broke the rules of a verdict.
    Decision {
        index: usize,
        message: String,
    },
    /// Loading or saving panicked.
    Panic(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Failure {
    pub fn message(self) -> String {
        match self {
            Self::Store(error) | Self::Commit { error, .. } => error_chain(&error),
            Self::Decision { message, .. } | Self::Panic(message) => message,
        }
    }
}

/// The state of one attempt at a batch, shared by all sources.
pub(crate) struct BatchState<'a> {
    /// The time of all decisions of the batch.
    pub now: DateTime<Utc>,
    pub config: &'a RuntimeConfig,
    pub dedup: DedupState,
    pub parked: ParkedView<'a>,
    pub writes: BatchWrites,
    pub out: Consequences,
}

/// What a batch writes besides workset and consequences.
#[derive(Default)]
pub(crate) struct BatchWrites {
    pub answers: Vec<idempotency::Model>,
    pub outcomes: outcome::Writes,
    pub postponed: Vec<Postponed>,
    pub parking: ParkingChanges,
}

impl BatchState<'_> {
    /// Parks a record that is not parked yet.
    pub fn park(&mut self, row: parked::Model) {
        self.parked.set(row.queue(), Head::from(&row));
        self.writes.parking.new.push(row);
    }

    /// The head of a queue was tried and stays parked: the records behind it are blocked in this round.
    pub fn stay_parked(&mut self, row: parked::Model) {
        self.parked.block(row.queue(), Head::from(&row));
        self.writes.parking.changed.push(row);
    }

    /// A parked record is decided. The next one of its queue, if there is one, is due at once.
    pub fn unpark(&mut self, row: &parked::Model) {
        self.parked.set(row.queue(), Head::Due(self.now));
        self.writes.parking.gone.push(row.id);
    }
}

impl BatchWrites {
    pub async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        bulk::insert::<idempotency::Entity>(tx, self.answers).await?;
        self.outcomes.save(tx).await?;
        reminder::postpone(tx, &self.postponed).await?;
        self.parking.save(tx).await
    }
}

/// What is left to do after a commit.
pub(crate) struct Committed {
    outbox: Option<outbox::Pending>,
    /// Requests that this process may perform at once.
    requests: Vec<Job>,
    parked: ParkedChanges,
}

impl<P: Participant> Runtime<P> {
    pub(super) async fn attempt(&self, items: &mut [Item<P::Input>]) -> Result<Committed, Failure> {
        let attempt = AssertUnwindSafe(self.transaction(items));
        attempt.catch_unwind().await.unwrap_or_else(|panic| Err(Failure::Panic(panic_message(&*panic))))
    }

    async fn transaction(&self, items: &mut [Item<P::Input>]) -> Result<Committed, Failure> {
        let tx = self.db.begin().await?;
        let deliveries: Vec<_> = items.iter().map(|item| &item.delivery).collect();
        let mut work = P::Workset::load(&tx, &deliveries).await?;
        // After the workset: every transaction takes its locks in the same order.
        let dedup = DedupState::load(&tx, items, &self.config).await?;
        let out = Consequences::new(self.config.service, self.config.clock.clone());
        let mut state = BatchState {
            now: out.now(),
            config: &self.config,
            dedup,
            parked: self.parked.view(),
            writes: BatchWrites::default(),
            out,
        };
        self.decide_all(items, &mut work, &mut state)?;

        let BatchState { now, dedup, parked, mut writes, mut out, .. } = state;
        writes.outcomes.continue_epochs(&mut out.requests);
        out.events.append(&mut writes.parking.copies);
        #[cfg(fault_injection)]
        let late = crate::fault_injection::take_late_writes(self.config.fault, &mut out);
        work.save(&tx).await?;
        dedup.outcomes.save(&tx).await?;
        writes.save(&tx).await?;
        let DueNow { owned, others } = self.effects.take_due(&mut out.requests, now);
        let requests = batch::keep(&tx, &self.config.clock, owned, others).await?;
        out.save(&tx).await?;
        let row = outbox::insert(&tx, now, out.events).await?;
        let pending_commit = self.outbox.announce();
        if let Err(error) = tx.commit().await {
            return Err(Failure::Commit { error, requests });
        }
        #[cfg(fault_injection)]
        if self.config.fault == Some(crate::Fault::CommitAnswerLost) && !requests.is_empty() {
            return Err(Failure::Commit {
                error: StoreError::Unavailable(sea_orm::DbErr::Custom("the answer is lost".into())),
                requests,
            });
        }
        #[cfg(fault_injection)]
        let row = late.write(&self.db, now).await.or(row);
        Ok(Committed {
            outbox: row.map(|row| outbox::Pending { row: row.committed(), announced: pending_commit }),
            requests,
            parked: parked.into_changes(),
        })
    }

    /// Decides about all items in order. A held event, and the events of its key and topic behind it, are decided when
    /// the rest is: what it waits for may be in the batch.
    fn decide_all(
        &self,
        items: &mut [Item<P::Input>],
        work: &mut P::Workset,
        state: &mut BatchState<'_>,
    ) -> Result<(), Failure> {
        let mut held: HashSet<(Uuid, String)> = HashSet::new();
        let mut blocked = false;
        for (index, item) in items.iter_mut().enumerate() {
            item.progress = Progress::Waiting;
            if !held.is_empty()
                && let Some(topic) = item.source.topic()
                && held.contains(&(item.delivery.key, topic.to_owned()))
            {
                blocked = true;
                continue;
            }
            self.decide(index, item, work, state, true)?;
            if let (Progress::Held, Some(topic)) = (&item.progress, item.source.topic()) {
                held.insert((item.delivery.key, topic.to_owned()));
            }
        }
        if blocked || !held.is_empty() {
            for (index, item) in items.iter_mut().enumerate() {
                self.decide(index, item, work, state, false)?;
            }
        }
        Ok(())
    }

    fn decide(
        &self,
        index: usize,
        item: &mut Item<P::Input>,
        work: &mut P::Workset,
        state: &mut BatchState<'_>,
        may_hold: bool,
    ) -> Result<(), Failure> {
        let Item { delivery, source, progress } = item;
        match progress {
            Progress::Ended(_) => return Ok(()),
            Progress::Held => {}
            Progress::Waiting => {
                let is_repeat = self.is_repeat(delivery, source, work);
                if let Some(disposition) = source.dedupe(delivery, is_repeat, state) {
                    *progress = Progress::Ended(disposition);
                    return Ok(());
                }
            }
        }
        let verdict = self.invoke(delivery, work, &mut state.out);
        let verdict = verdict.map_err(|message| Failure::Decision { index, message })?;
        if let (Verdict::Done, Some(topic), Some(seen)) = (&verdict, source.log_topic(), work.seen(delivery.key)) {
            seen.mark(topic, delivery.sequence, delivery.id);
        }
        *progress = if may_hold && matches!(verdict, Verdict::Hold(_)) && source.topic().is_some() {
            Progress::Held
        } else {
            Progress::Ended(source.apply(delivery, verdict, state))
        };
        Ok(())
    }

    /// Whether the row of the event's aggregate has decided about the event.
    fn is_repeat(&self, delivery: &Delivery<P::Input>, source: &Source, work: &mut P::Workset) -> bool {
        let Some(topic) = source.log_topic().filter(|_| self.config.recognises_repeats()) else { return false };
        match work.seen(delivery.key).map(|seen| seen.sighting(topic, delivery.sequence, delivery.id)) {
            Some(Sighting::Repeat) => true,
            Some(Sighting::New) | None => false,
            Some(Sighting::Strange(why)) => {
                let service = self.config.service;
                warn!(service, topic, order.id = %delivery.key, sequence = delivery.sequence, event.id = %delivery.id, "an event is decided by state: {why}");
                counter!("uzon_strange_sequences_total", "service" => service, "topic" => topic.to_owned())
                    .increment(1);
                false
            }
        }
    }

    /// The participant's verdict; an error when it panicked, or when consequences follow from a refused delivery.
    fn invoke(
        &self,
        delivery: &Delivery<P::Input>,
        work: &mut P::Workset,
        out: &mut Consequences,
    ) -> Result<Verdict, String> {
        let count = out.count();
        let react = || self.participant.react(work, delivery, out.of(delivery));
        let verdict = catch_unwind(AssertUnwindSafe(react)).map_err(|panic| panic_message(&*panic))?;
        let is_refused = matches!(verdict, Verdict::Hold(_) | Verdict::Reject(_));
        if is_refused && out.count() != count {
            return Err(format!("consequences follow from a delivery that is not decided: {verdict:?}"));
        }
        Ok(verdict)
    }

    /// After the commit: publish, call, wake what is held, answer.
    pub(super) fn committed(&mut self, items: &mut [Item<P::Input>], done: Committed) {
        if let Some(pending) = done.outbox {
            self.outbox.send(pending);
        }
        self.effects.dispatch(done.requests);
        self.parked.apply(done.parked);
        if !self.parked.is_empty() {
            let decided = items.iter().filter(|item| item.has_changed_state());
            self.parked.wake(&decided.map(|item| item.delivery.key.to_string()).collect(), self.config.clock.now());
        }
        items.iter_mut().for_each(Item::committed);
    }
}
