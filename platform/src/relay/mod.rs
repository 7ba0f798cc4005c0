//! From the outbox to the bus: in the order of commits, nothing left out, removed only when the bus has it for good.
//!
//! Rows just committed come through a channel and are not read back. Whatever the channel has not carried (left by an
//! earlier process, or more than it holds) is read from the table, oldest first. No position is remembered: a row is
//! there until it is published, so one that commits late is not skipped.
//!
//! Where several processes share a database (`shared`), one of them publishes for all, and it asks the table what is
//! next, because its channel does not carry what the others commit.

mod channel;
pub(crate) mod lease;
mod shared;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use events::topic;
use metrics::{counter, gauge};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::mpsc;
use tracing::{error, warn};

pub(crate) use self::channel::{Announced, Row, Sender, State};
use crate::{
    Clock, Db, Shutdown, StoreError, bulk,
    bus::{Bus, BusError, Outgoing, Published, codec},
    tables::outbox,
};

/// Rows read from the table at once.
const ROWS: u64 = 64;
/// Transactions on their way through the channel.
const CHANNEL: usize = 256;
/// A bus that has said nothing for so long is away.
const SILENCE: Duration = Duration::from_secs(1);
/// How long published rows may stay in the table. A crash meanwhile publishes them again, which inboxes expect.
const TIDY: Duration = Duration::from_millis(250);
/// So many rows that were read from the table are remembered until nothing is on its way; beyond that one may be said again.
const CAUGHT: usize = 10_000;
/// So often a copy of a dead letter is refused before it is left out: an answer may be of the moment.
const LETTER_TRIES: u32 = 3;

pub(crate) struct Relay {
    service: &'static str,
    db: Db,
    bus: Arc<dyn Bus>,
    clock: Clock,
    /// Messages in one publish.
    batch: usize,
    rows: mpsc::Receiver<Row>,
    state: Arc<State>,
    /// Published, and still in the table.
    published: BTreeSet<i64>,
    /// Read from the table; the channel may carry them as well.
    caught: BTreeSet<i64>,
    /// Not what this program can read.
    unreadable: BTreeSet<i64>,
    /// It is time to stop, and the bus takes nothing.
    gave_up: bool,
}

/// What is handed over at once. A copy of a dead letter goes alone: whatever is said of it is about it, and about nothing else.
fn next(rows: &VecDeque<(i64, Vec<Outgoing>)>) -> Vec<Outgoing> {
    let mut messages = rows.iter().flat_map(|(_, messages)| messages).peekable();
    match messages.next_if(|first| is_letter(first)) {
        Some(letter) => vec![letter.clone()],
        None => messages.take_while(|it| !is_letter(it)).cloned().collect(),
    }
}

fn is_letter(message: &Outgoing) -> bool {
    topic::has_dead_letters(&message.topic)
}

/// Waits, unless it is time to stop.
async fn rest(wait: Duration, stopping: &Shutdown) {
    tokio::select! { () = tokio::time::sleep(wait) => {} () = stopping.wait() => {} }
}

impl Relay {
    pub(crate) fn new(
        service: &'static str,
        db: Db,
        bus: Arc<dyn Bus>,
        clock: Clock,
        batch: usize,
    ) -> (Self, Sender, Arc<State>) {
        let (send, rows) = mpsc::channel(CHANNEL);
        let state = Arc::new(State { behind: AtomicBool::new(true), ..State::default() });
        let sender = Sender { rows: send, state: state.clone() };
        let relay = Self {
            service,
            db,
            bus,
            clock,
            batch,
            rows,
            state: state.clone(),
            published: BTreeSet::new(),
            caught: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            gave_up: false,
        };
        (relay, sender, state)
    }

    /// Publishes until it is told to stop and everything is published (or cannot be now; then the rows stay).
    pub(crate) async fn run(self, stopping: Shutdown) {
        if self.db.is_exclusive() {
            self.run_alone(stopping).await;
        } else {
            self.run_shared(stopping).await;
        }
    }

    async fn run_alone(mut self, stopping: Shutdown) {
        let mut tidy = tokio::time::interval(TIDY);
        tidy.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut closing = false;
        while !self.gave_up {
            if self.state.behind.swap(false, Ordering::AcqRel) {
                self.catch_up(&stopping).await;
                continue;
            }
            tokio::select! {
                biased;
                _ = tidy.tick() => self.tidy().await,
                row = self.rows.recv() => {
                    let Some(row) = row else { break }; // closed, and empty
                    let rows = self.take(row).into_iter().map(|row| (row.id, row.messages));
                    let rows = rows.filter(|(id, _)| !self.caught.contains(id)).collect();
                    if !self.state.behind.load(Ordering::Acquire) {
                        self.publish(rows, &stopping, &|| true).await;
                    } // else a row between these is missing: all of them are read from the table, in order
                }
                () = stopping.wait(), if !closing => {
                    closing = true;
                    self.rows.close(); // those in it are still published
                }
            }
        }
        self.tidy().await;
    }

    /// This row and those behind it in the channel.
    fn take(&mut self, first: Row) -> Vec<Row> {
        let mut messages = first.messages.len();
        let mut rows = vec![first];
        while messages < self.batch
            && let Ok(row) = self.rows.try_recv()
        {
            messages += row.messages.len();
            rows.push(row);
        }
        rows
    }

    /// Publishes what is in the table, oldest first, until there is no more.
    async fn catch_up(&mut self, stopping: &Shutdown) {
        while !self.gave_up {
            let known: Vec<i64> = self.published.union(&self.unreadable).copied().collect();
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
                    self.gave_up = stopping.is_triggered();
                    return rest(Duration::from_millis(200), stopping).await;
                }
            };
            let last = (rows.len() as u64) < ROWS;
            let mut found = VecDeque::with_capacity(rows.len());
            for row in rows {
                self.caught.insert(row.id);
                found.extend(self.read(row));
            }
            self.publish(found, stopping, &|| true).await;
            self.tidy().await;
            if last {
                return;
            }
        }
    }

    /// What a row of the table says.
    fn read(&mut self, row: outbox::Model) -> Option<(i64, Vec<Outgoing>)> {
        match codec::decode(Bytes::from(row.records)) {
            Ok(messages) => Some((row.id, messages)),
            Err(cause) => {
                error!(service = self.service, outbox.id = row.id, error = %cause, "an outbox row cannot be read; it stays, and what it says is not published");
                self.unreadable.insert(row.id);
                None
            }
        }
    }

    /// Publishes all of them, again from the first that is not durable when something fails. Gives up when it is time to
    /// stop and the bus does not take them (then they stay for the next process, and so does all that comes after them),
    /// and when it may not any more.
    async fn publish(
        &mut self,
        mut rows: VecDeque<(i64, Vec<Outgoing>)>,
        stopping: &Shutdown,
        may: &(dyn Fn() -> bool + Sync),
    ) {
        let (mut failures, mut refused) = (0_u32, 0_u32);
        while !rows.is_empty() && may() {
            let messages = next(&rows);
            let letter = messages.first().is_some_and(is_letter);
            let Some(said) = self.hand_over(messages, stopping, may).await else {
                self.gave_up = stopping.is_triggered();
                return;
            };
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
            if said.durable > 0 || said.failure.is_none() {
                self.state.stuck_since.store(0, Ordering::Relaxed);
            }
            if letter && said.durable > 0 {
                refused = 0;
            }
            let Some(cause) = said.failure else { continue };
            if letter && matches!(cause, BusError::Refused(_) | BusError::UnknownTopic(_)) {
                refused += 1;
                if refused == LETTER_TRIES {
                    self.leave_out(&mut rows, &cause);
                    (failures, refused) = (0, 0);
                    continue;
                }
            }
            failures += 1;
            if failures == 1 {
                warn!(service = self.service, error = %cause, "events cannot be published now; trying until they can");
            }
            self.stuck();
            if stopping.is_triggered() {
                self.gave_up = true;
                return;
            }
            rest(Duration::from_millis((25 << failures.min(8)).min(2000)), stopping).await;
        }
    }

    /// The first of them is a copy of a dead letter, and the bus does not take it: it must not hold up what comes after it, and the letter
    /// itself is in the database.
    fn leave_out(&mut self, rows: &mut VecDeque<(i64, Vec<Outgoing>)>, cause: &BusError) {
        let Some((id, messages)) = rows.front_mut() else { return };
        let letter = messages.remove(0);
        error!(service = self.service, topic = %letter.topic, error = %cause, "a copy of a dead letter is left out: the bus does not take it");
        counter!("uzon_letters_left_out_total", "service" => self.service).increment(1);
        if messages.is_empty() {
            self.published.insert(*id);
            rows.pop_front();
        }
        self.state.stuck_since.store(0, Ordering::Relaxed);
    }

    /// What the bus says of them. A bus that is away may say nothing for as long as it is; `None`: and it is time to stop, or
    /// this process may not publish any more. What it has been given it may still publish, and so may whoever is next.
    async fn hand_over(
        &self,
        messages: Vec<Outgoing>,
        stopping: &Shutdown,
        may: &(dyn Fn() -> bool + Sync),
    ) -> Option<Published> {
        let mut saying = self.bus.publish(messages);
        loop {
            tokio::select! {
                said = &mut saying => return Some(said),
                () = tokio::time::sleep(SILENCE) => self.stuck(),
            }
            if stopping.is_triggered() || !may() {
                return None;
            }
        }
    }

    /// Nothing can be published, from now on if not before.
    fn stuck(&self) {
        let now = self.clock.now().timestamp_micros();
        let _ = self.state.stuck_since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Removes what is published from the table.
    async fn tidy(&mut self) {
        let stuck = self.state.age(self.clock.now());
        gauge!("uzon_outbox_stuck_seconds", "service" => self.service).set(stuck.as_seconds_f64());
        // In this order: what is announced after the first look was committed after the table was read.
        let all_told = self.state.announced.load(Ordering::Acquire) == 0 && self.rows.is_empty();
        if all_told || self.caught.len() > CAUGHT {
            self.caught.clear();
        }
        if self.published.is_empty() {
            return;
        }
        let ids: Vec<i64> = self.published.iter().copied().collect();
        let removed: Result<(), StoreError> = async {
            let tx = self.db.begin().await?;
            bulk::remove::<outbox::Entity>(&tx, &ids).await?;
            tx.commit().await
        }
        .await;
        match removed {
            Ok(()) => self.published.clear(),
            Err(cause) => warn!(service = self.service, error = %cause, "published rows stay in the outbox for now"),
        }
    }
}
