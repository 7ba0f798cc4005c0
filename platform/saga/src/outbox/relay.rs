//! From the outbox to the bus: in the order of commits, nothing left out, removed only when the bus has it durably.
//!
//! Rows that this process has just committed come through a channel and are not read back. Rows that the channel has not
//! carried (of an earlier process, or more than it holds) are read from the table, oldest first. No position is stored: a
//! row is in the table until it is published, so a row that is committed late is not skipped.
//!
//! Where several processes share a database ([`shared`](super::shared)), one of them publishes for all.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bus::{Bus, BusError, Outgoing, Published, codec};
use bytes::Bytes;
use clock::Clock;
use metrics::{counter, gauge};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use store::{Db, StoreError, bulk};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::channel::{RelayState, Row, Sender};
use crate::{Stopped, backoff::Backoff, dead_letter::DeadLetterTopic, tables::outbox};

/// Rows read from the table at once.
pub(super) const MAX_ROWS: u64 = 64;
/// Rows on their way through the channel, at most.
const CHANNEL_SIZE: usize = 256;
/// A bus that has not answered for this long counts as away.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// How long published rows may stay in the table. After a crash they are published again, which consumers expect.
const PURGE_INTERVAL: Duration = Duration::from_millis(250);
/// Rows read from the table that are remembered while commits are pending. Beyond that a row may be published twice.
const MAX_REPLAYED: usize = 10_000;
/// A copy of a dead letter is left out when it was refused this often: one refusal may be temporary.
const MAX_COPY_REFUSALS: u32 = 3;
/// The longest wait before the bus is tried again.
const MAX_BACKOFF: Duration = Duration::from_secs(2);
/// The wait after the table could not be read.
pub(super) const READ_RETRY: Duration = Duration::from_millis(200);

/// Rows that are to be published, oldest first.
pub(super) type Rows = VecDeque<(i64, Vec<Outgoing>)>;

/// What is published at once.
enum Next {
    Events(Vec<Outgoing>),
    /// A copy of a dead letter is published alone, so that a refusal is about it and nothing else.
    Copy(Outgoing),
}

pub(crate) struct Relay {
    pub(super) service: &'static str,
    pub(super) db: Db,
    bus: Arc<dyn Bus>,
    pub(super) clock: Clock,
    dead_letter_topic: DeadLetterTopic,
    /// Messages in one publish.
    max_batch: usize,
    pub(super) rows: mpsc::Receiver<Row>,
    pub(super) state: Arc<RelayState>,
    /// Published, and still in the table.
    pub(super) published: BTreeSet<i64>,
    /// Read from the table; the channel may carry them as well.
    pub(super) replayed: BTreeSet<i64>,
    /// Rows that this program cannot read. They stay, and are not published.
    pub(super) unreadable: BTreeSet<i64>,
    pub(super) stop: CancellationToken,
}

/// Waits, unless the process shuts down.
pub(super) async fn pause(wait: Duration, stop: &CancellationToken) {
    tokio::select! { () = sleep(wait) => {} () = stop.cancelled() => {} }
}

/// A tick at least a purge interval after the last.
pub(super) fn purge_interval() -> tokio::time::Interval {
    let mut ticks = interval(PURGE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl Relay {
    pub fn new(
        service: &'static str,
        db: Db,
        bus: Arc<dyn Bus>,
        clock: Clock,
        dead_letter_topic: DeadLetterTopic,
        max_batch: usize,
        stop: CancellationToken,
    ) -> (Self, Sender, Arc<RelayState>) {
        let (send, rows) = mpsc::channel(CHANNEL_SIZE);
        let state = Arc::new(RelayState { must_read: AtomicBool::new(true), ..RelayState::default() });
        let sender = Sender { rows: send, state: state.clone() };
        let relay = Self {
            service,
            db,
            bus,
            clock,
            dead_letter_topic,
            max_batch,
            rows,
            state: state.clone(),
            published: BTreeSet::new(),
            replayed: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            stop,
        };
        (relay, sender, state)
    }

    /// Publishes until the process shuts down and everything is published. What cannot be published then stays in the
    /// table for the next process.
    pub async fn run(mut self) {
        if self.db.is_exclusive() {
            // `Stopped` ends the loop early, with rows left; what is published is purged in any case.
            drop(self.run_alone().await);
            self.purge().await;
        } else {
            self.run_shared().await;
        }
    }

    async fn run_alone(&mut self) -> Result<(), Stopped> {
        let stop = self.stop.clone();
        let mut purge = purge_interval();
        let mut is_closing = false;
        loop {
            if self.state.must_read.swap(false, Ordering::AcqRel) {
                self.catch_up().await?;
                continue;
            }
            tokio::select! {
                biased;
                _ = purge.tick() => self.purge().await,
                row = self.rows.recv() => {
                    let Some(row) = row else { return Ok(()) }; // closed, and empty
                    let rows = self.receive(row).into_iter().map(|row| (row.id, row.messages));
                    let rows = rows.filter(|(id, _)| !self.replayed.contains(id)).collect();
                    if !self.state.must_read.load(Ordering::Acquire) {
                        self.publish(rows, &|| true).await?;
                    } // else a row between these is missing: all of them are read from the table, in order
                }
                () = stop.cancelled(), if !is_closing => {
                    is_closing = true;
                    self.rows.close(); // rows that are in the channel are still published
                }
            }
        }
    }

    /// This row and the ones behind it in the channel.
    pub(super) fn receive(&mut self, first: Row) -> Vec<Row> {
        let mut messages = first.messages.len();
        let mut rows = vec![first];
        while messages < self.max_batch
            && let Ok(row) = self.rows.try_recv()
        {
            messages += row.messages.len();
            rows.push(row);
        }
        rows
    }

    /// Publishes what is in the table, oldest first, until there is no more.
    async fn catch_up(&mut self) -> Result<(), Stopped> {
        loop {
            let known: Vec<i64> = self.published.union(&self.unreadable).copied().collect();
            let rows = outbox::Entity::find()
                .filter(outbox::Column::Id.is_not_in(known))
                .order_by_asc(outbox::Column::Id)
                .limit(MAX_ROWS)
                .all(self.db.writer())
                .await;
            let rows = match rows {
                Ok(rows) => rows,
                Err(error) => return self.cannot_read(&error.into()).await,
            };
            let is_last = (rows.len() as u64) < MAX_ROWS;
            let mut decoded = Rows::with_capacity(rows.len());
            for row in rows {
                self.replayed.insert(row.id);
                decoded.extend(self.decode(row));
            }
            self.publish(decoded, &|| true).await?;
            self.purge().await;
            if is_last {
                return Ok(());
            }
        }
    }

    /// The table cannot be read now: the next round reads it again.
    pub(super) async fn cannot_read(&self, error: &StoreError) -> Result<(), Stopped> {
        warn!(service = self.service, %error, "the outbox cannot be read now");
        self.state.must_read.store(true, Ordering::Release);
        if self.stop.is_cancelled() {
            return Err(Stopped);
        }
        pause(READ_RETRY, &self.stop).await;
        Ok(())
    }

    /// The messages of a row of the table.
    pub(super) fn decode(&mut self, row: outbox::Model) -> Option<(i64, Vec<Outgoing>)> {
        match codec::decode(Bytes::from(row.records)) {
            Ok(messages) => Some((row.id, messages)),
            Err(error) => {
                error!(service = self.service, outbox.id = row.id, %error, "an outbox row cannot be read; it stays, and its events are not published");
                self.unreadable.insert(row.id);
                None
            }
        }
    }

    /// Publishes all rows, again from the first message that is not durable when something fails. Ends early when
    /// `may_publish` says no.
    ///
    /// # Errors
    /// `Stopped`: the process shuts down and the bus takes nothing. The rows stay in the table for the next process.
    pub(super) async fn publish(
        &mut self,
        mut rows: Rows,
        may_publish: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), Stopped> {
        let mut backoff = Backoff::new(MAX_BACKOFF, &self.stop);
        let mut refusals = 0;
        while !rows.is_empty() && may_publish() {
            let (messages, is_copy) = match self.next(&rows) {
                Next::Events(events) => (events, false),
                Next::Copy(copy) => (vec![copy], true),
            };
            let Some(published) = self.dispatch(messages, may_publish).await? else { return Ok(()) };
            self.acknowledge(&mut rows, published.durable);
            counter!("uzon_outbox_published_total", "service" => self.service).increment(published.durable as u64);
            if published.durable > 0 || published.failure.is_none() {
                self.state.advance();
                refusals = 0;
            }
            let Some(error) = published.failure else { continue };
            if is_copy && matches!(error, BusError::Refused(_) | BusError::UnknownTopic(_)) {
                refusals += 1;
                if refusals == MAX_COPY_REFUSALS {
                    self.leave_out_copy(&mut rows, &error);
                    backoff.reset();
                    refusals = 0;
                    continue;
                }
            }
            if backoff.is_fresh() {
                warn!(service = self.service, %error, "events cannot be published now; retrying until they can");
            }
            self.state.stall(self.clock.now());
            backoff.wait().await?;
        }
        Ok(())
    }

    fn next(&self, rows: &Rows) -> Next {
        let topic = &self.dead_letter_topic;
        let mut messages = rows.iter().flat_map(|(_, messages)| messages).peekable();
        match messages.peek().and_then(|first| topic.address(first)) {
            Some(copy) => Next::Copy(copy),
            None => Next::Events(messages.take_while(|message| topic.address(message).is_none()).cloned().collect()),
        }
    }

    /// The first messages are durable; the rows whose messages are all durable are published.
    fn acknowledge(&mut self, rows: &mut Rows, durable: usize) {
        let mut left = durable;
        while let Some((id, messages)) = rows.front_mut() {
            if messages.len() > left {
                messages.drain(..left);
                break;
            }
            left -= messages.len();
            self.published.insert(*id);
            rows.pop_front();
        }
    }

    /// The first message is a copy of a dead letter that the bus does not take. It must not hold up what comes after it, and
    /// the dead letter itself is in the database.
    fn leave_out_copy(&mut self, rows: &mut Rows, error: &BusError) {
        let Some((_, messages)) = rows.front() else { return };
        let topic = messages.first().map(|copy| copy.topic.to_string()).unwrap_or_default();
        error!(service = self.service, topic, %error, "a copy of a dead letter is left out: the bus does not take it");
        counter!("uzon_letters_left_out_total", "service" => self.service).increment(1);
        self.acknowledge(rows, 1);
        self.state.advance();
    }

    /// Publishes and waits for the answer, for as long as a bus that is away takes to give one. `None`: this process may not
    /// publish any more; the bus may still publish what it has been given, and so may the next holder of the lease.
    async fn dispatch(
        &self,
        messages: Vec<Outgoing>,
        may_publish: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Published>, Stopped> {
        let mut publishing = self.bus.publish(messages);
        loop {
            tokio::select! {
                published = &mut publishing => return Ok(Some(published)),
                () = sleep(ANSWER_TIMEOUT) => self.state.stall(self.clock.now()),
            }
            if self.stop.is_cancelled() {
                return Err(Stopped);
            }
            if !may_publish() {
                return Ok(None);
            }
        }
    }

    /// Removes published rows from the table.
    pub(super) async fn purge(&mut self) {
        let stalled = self.state.stalled_for(self.clock.now());
        gauge!("uzon_outbox_stuck_seconds", "service" => self.service).set(stalled.as_seconds_f64());
        // In this order: a commit that is announced after the first look came after the table was read.
        let none_pending = self.state.pending_commits.load(Ordering::Acquire) == 0 && self.rows.is_empty();
        if none_pending || self.replayed.len() > MAX_REPLAYED {
            self.replayed.clear();
        }
        if self.published.is_empty() {
            return;
        }
        match self.remove_published().await {
            Ok(()) => self.published.clear(),
            Err(error) => warn!(service = self.service, %error, "published rows stay in the outbox for now"),
        }
    }

    async fn remove_published(&self) -> Result<(), StoreError> {
        let ids: Vec<i64> = self.published.iter().copied().collect();
        let tx = self.db.begin().await?;
        bulk::remove::<outbox::Entity>(&tx, &ids).await?;
        tx.commit().await
    }
}
