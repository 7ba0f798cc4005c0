//! What happens behind the doors: whatever has come in is gathered into a batch, and decided.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use chrono::TimeDelta;
use metrics::{counter, histogram};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tracing::{debug, warn};

use super::{Heard, Incoming, Room, Source, events::decode, pump::Chunk};
use crate::{
    Delivery, Door, Participant, Shutdown, StoreError, Trace, decode as body,
    effect::{Finished, Job},
    parking::{self, Head},
    tables::reminder,
};

/// The room's side of the doors.
pub(super) struct Inside<P: Participant> {
    pub room: Room<P>,
    pub heard: Arc<Heard>,
    pub batch: usize,
    /// From the beginning of a small batch to that of the next, at least.
    pub linger: Duration,
    /// How often due reminders and parked records are looked for.
    pub look: Duration,
    pub commands: mpsc::Receiver<Incoming<P::Input>>,
    pub chunks: mpsc::Receiver<Chunk<P::Input>>,
    pub finished: mpsc::UnboundedReceiver<Finished<P::Input>>,
    /// Reminders and parked records that are due.
    pub waiting: VecDeque<Incoming<P::Input>>,
    /// Names of reminders that are no input of this room.
    pub foreign: BTreeSet<String>,
}

impl<P: Participant> Inside<P> {
    /// Works until it is told to stop and nobody can bring anything any more. What is left undecided then, because the
    /// database was away, comes again in the next process: its position is not committed, it is stored still, its
    /// caller is told that it failed.
    pub(super) async fn run(mut self, stopping: Shutdown) {
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
            while batch.len() < places
                && let Ok(command) = self.commands.try_recv()
            {
                batch.push(command);
            }
            while finished.len() < self.batch
                && let Ok(one) = self.finished.try_recv()
            {
                finished.push(one);
            }
            batch.extend(self.waiting.drain(..));
            let begun = Instant::now();
            let inputs = batch.len() + finished.len() + chunk.as_ref().map_or(0, Chunk::len);
            let is_behind = chunk.as_ref().is_some_and(|chunk| chunk.more);
            let small = !is_behind && (1..self.batch / 2).contains(&inputs);
            if !self.decide(batch, finished, chunk).await {
                break; // the database is away, and it is time to go
            }
            if !self.room.parked.is_empty() {
                self.wake_parked().await;
            }
            if small && !self.linger.is_zero() {
                tokio::select! { () = sleep_until(begun + self.linger) => {} () = stopping.wait() => {} }
            }
        }
    }

    /// `false`: it has given up.
    async fn decide(
        &mut self,
        mut batch: Vec<Incoming<P::Input>>,
        finished: Vec<Finished<P::Input>>,
        mut chunk: Option<Chunk<P::Input>>,
    ) -> bool {
        let mut later = Vec::new();
        for one in finished {
            match one {
                Finished::Outcome { job, input } => batch.push(self.outcome(job, input)),
                Finished::Later { job, error, due } => later.push((job, error, due)),
            }
        }
        if !later.is_empty() && !self.room.again_later(later).await {
            return false;
        }
        if let Some(ours) = chunk.as_mut().and_then(|chunk| chunk.ours.take())
            && !self.room.moved_to(&ours).await
        {
            return false;
        }
        let (events, done) = chunk.map(Chunk::open).unzip();
        let events = events.unwrap_or_default();
        for event in events {
            match event {
                Ok(event) => batch.push(event),
                Err((record, why)) => {
                    // What came before it goes first.
                    if !self.process(std::mem::take(&mut batch)).await || !self.room.bury(&record, &why).await {
                        return false;
                    }
                }
            }
        }
        if !self.process(batch).await {
            return false;
        }
        if let Some(done) = done {
            let _ = done.send(()); // a pump that is gone does not ask
        }
        true
    }

    fn outcome(&self, job: Job, input: P::Input) -> Incoming<P::Input> {
        let delivery = Delivery {
            id: self.room.clock.new_id(),
            door: Door::Outcome,
            key: job.request.about,
            cause: job.request.cause,
            at: self.room.clock.now(),
            sequence: 0,
            trace: Trace::parse(job.request.trace.as_bytes()).unwrap_or_default(),
            input,
        };
        Incoming { delivery, source: Source::Outcome(job) }
    }

    async fn process(&mut self, batch: Vec<Incoming<P::Input>>) -> bool {
        if batch.is_empty() {
            return true;
        }
        let (service, begun) = (self.room.service, std::time::Instant::now());
        counter!("uzon_deliveries_total", "service" => service).increment(batch.len() as u64);
        histogram!("uzon_batch_size", "service" => service)
            .record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
        let dealt_with = self.room.process(batch).await;
        histogram!("uzon_batch_seconds", "service" => service).record(begun.elapsed().as_secs_f64());
        dealt_with
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
                let Some(delivery) = delivery else {
                    warn!(parked.id = %row.id, "a parked record cannot be read by this program");
                    break;
                };
                self.waiting.push_back(Incoming { delivery, source: Source::Parked(row) });
            }
        }
        tx.commit().await
    }
}
