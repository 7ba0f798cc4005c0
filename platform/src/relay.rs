//! From the outbox to the bus: in the order of commits, nothing left out, removed only when the bus has it for good.
//!
//! Rows just committed come through a channel and are not read back. Whatever the channel has not carried (left by an
//! earlier process, or more than it holds) is read from the table, oldest first. No position is remembered: a row is
//! there until it is published, so one that commits late is not skipped.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use metrics::{counter, gauge};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::mpsc;
use tracing::{error, warn};

use crate::{
    Clock, Db, Shutdown, StoreError, bulk,
    bus::{Bus, Outgoing, codec},
    tables::outbox,
};

/// Messages in one publish.
const BATCH: usize = 2000;
/// Rows read from the table at once.
const ROWS: u64 = 64;
/// Transactions on their way through the channel.
const CHANNEL: usize = 256;
/// How long published rows may stay in the table. A crash meanwhile publishes them again, which inboxes expect.
const TIDY: Duration = Duration::from_millis(100);

/// Where rooms put what they have committed.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    rows: mpsc::Sender<(i64, Vec<Outgoing>)>,
    state: Arc<State>,
}

/// How far behind the relay is.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Some rows did not go through the channel.
    behind: AtomicBool,
    /// Messages committed and not yet published.
    depth: AtomicUsize,
    /// Since when (microseconds since 1970) nothing could be published although something waits; 0: all is well.
    stuck_since: AtomicI64,
}

impl Sender {
    pub(crate) fn send(&self, id: i64, messages: Vec<Outgoing>) {
        self.state.depth.fetch_add(messages.len(), Ordering::Relaxed);
        if self.rows.try_send((id, messages)).is_err() {
            self.state.behind.store(true, Ordering::Release);
        }
    }
}

impl State {
    pub(crate) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    /// How long nothing could be published.
    pub(crate) fn age(&self, now: DateTime<Utc>) -> TimeDelta {
        match self.stuck_since.load(Ordering::Relaxed) {
            0 => TimeDelta::zero(),
            since => TimeDelta::microseconds(now.timestamp_micros() - since),
        }
    }
}

pub(crate) struct Relay {
    service: &'static str,
    db: Db,
    bus: Arc<dyn Bus>,
    clock: Clock,
    rows: mpsc::Receiver<(i64, Vec<Outgoing>)>,
    state: Arc<State>,
    /// Published, and still in the table.
    published: BTreeSet<i64>,
    /// Read from the table; the channel may carry them as well.
    caught: BTreeSet<i64>,
}

impl Relay {
    pub(crate) fn new(service: &'static str, db: Db, bus: Arc<dyn Bus>, clock: Clock) -> (Self, Sender, Arc<State>) {
        let (send, rows) = mpsc::channel(CHANNEL);
        let state = Arc::new(State { behind: AtomicBool::new(true), ..State::default() });
        let sender = Sender { rows: send, state: state.clone() };
        (Self { service, db, bus, clock, rows, state: state.clone(), published: BTreeSet::new(), caught: BTreeSet::new() }, sender, state)
    }

    /// Publishes until it is told to stop and everything is published (or cannot be now; then the rows stay).
    pub(crate) async fn run(mut self, stopping: Shutdown) {
        let mut tidy = tokio::time::interval(TIDY);
        tidy.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if self.state.behind.swap(false, Ordering::AcqRel) {
                self.catch_up(&stopping).await;
            }
            tokio::select! {
                biased;
                _ = tidy.tick() => self.tidy().await,
                Some(row) = self.rows.recv() => {
                    let mut rows = self.take(row);
                    rows.retain(|(id, _)| !self.caught.contains(id));
                    if !self.state.behind.load(Ordering::Acquire) {
                        self.publish(rows, &stopping).await;
                    } // else a row between these is missing: all of them are read from the table, in order
                }
                () = stopping.wait() => break,
            }
        }
        self.rows.close();
        while let Some(row) = self.rows.recv().await {
            let mut rows = self.take(row);
            rows.retain(|(id, _)| !self.caught.contains(id));
            self.publish(rows, &stopping).await;
        }
        if self.state.behind.load(Ordering::Acquire) {
            self.catch_up(&stopping).await;
        }
        self.tidy().await;
    }

    /// This row and those behind it in the channel.
    fn take(&mut self, first: (i64, Vec<Outgoing>)) -> VecDeque<(i64, Vec<Outgoing>)> {
        let mut messages = first.1.len();
        let mut rows = VecDeque::from([first]);
        while messages < BATCH && let Ok(row) = self.rows.try_recv() {
            messages += row.1.len();
            rows.push_back(row);
        }
        rows
    }

    /// Publishes what is in the table, oldest first, until there is no more.
    async fn catch_up(&mut self, stopping: &Shutdown) {
        loop {
            let known: Vec<i64> = self.published.iter().copied().collect();
            let rows = outbox::Entity::find()
                .filter(outbox::Column::Id.is_not_in(known))
                .order_by_asc(outbox::Column::Id)
                .limit(ROWS)
                .all(self.db.writer())
                .await;
            let rows = match rows {
                Ok(rows) => rows,
                Err(cause) => {
                    warn!(service = self.service, error = %cause, "the outbox cannot be read now");
                    self.state.behind.store(true, Ordering::Release);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    return;
                }
            };
            let last = (rows.len() as u64) < ROWS;
            self.caught.extend(rows.iter().map(|row| row.id));
            let rows = rows.into_iter().filter_map(|row| match codec::decode(Bytes::from(row.records)) {
                Ok(messages) => Some((row.id, messages)),
                Err(cause) => {
                    error!(service = self.service, outbox.id = row.id, error = %cause, "an outbox row cannot be read; it stays, and what it says is not published");
                    None
                }
            });
            self.publish(rows.collect(), stopping).await;
            self.tidy().await;
            if last || stopping.is_triggered() {
                return;
            }
        }
    }

    /// Publishes all of them, again from the first that is not durable when something fails. Returns early only when it
    /// is time to stop and the bus does not take them: then the rows stay for the next process.
    async fn publish(&mut self, mut rows: VecDeque<(i64, Vec<Outgoing>)>, stopping: &Shutdown) {
        let mut failures = 0_u32;
        while !rows.is_empty() {
            let messages: Vec<_> = rows.iter().flat_map(|(_, messages)| messages.iter().cloned()).collect();
            let said = self.bus.publish(messages).await;
            let mut durable = said.durable;
            counter!("uzon_outbox_published_total", "service" => self.service).increment(durable as u64);
            while let Some((id, messages)) = rows.front_mut() {
                if messages.len() > durable {
                    messages.drain(..durable); // the contiguous prefix; the rest is said again
                    break;
                }
                durable -= messages.len();
                self.published.insert(*id);
                rows.pop_front();
            }
            self.forget(said.durable);
            let Some(cause) = said.failure else {
                self.state.stuck_since.store(0, Ordering::Relaxed);
                continue;
            };
            failures += 1;
            if failures == 1 {
                warn!(service = self.service, error = %cause, "events cannot be published now; trying until they can");
            }
            let now = self.clock.now().timestamp_micros();
            let _ = self.state.stuck_since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
            if stopping.is_triggered() {
                return;
            }
            tokio::time::sleep(Duration::from_millis((25 << failures.min(8)).min(2000))).await;
        }
    }

    fn forget(&self, messages: usize) {
        let less = |depth: usize| Some(depth.saturating_sub(messages));
        let _ = self.state.depth.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Removes what is published from the table.
    async fn tidy(&mut self) {
        let depth = self.state.depth();
        gauge!("uzon_outbox_messages", "service" => self.service).set(u32::try_from(depth).unwrap_or(u32::MAX));
        let stuck = self.state.age(self.clock.now());
        gauge!("uzon_outbox_stuck_seconds", "service" => self.service).set(stuck.as_seconds_f64());
        if self.rows.is_empty() {
            self.caught.clear();
        }
        if self.published.is_empty() {
            return;
        }
        let ids: Vec<i64> = self.published.iter().copied().collect();
        let removed: Result<(), StoreError> = async {
            let tx = self.db.begin().await?;
            bulk::delete::<outbox::Entity>(&tx, &ids).await?;
            Ok(tx.commit().await?)
        }
        .await;
        match removed {
            Ok(()) => self.published.clear(),
            Err(cause) => warn!(service = self.service, error = %cause, "published rows stay in the outbox for now"),
        }
    }
}
