//! The thread that writes. It is the only one.

use std::{
    sync::{
        Arc, Weak,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use clock::Clock;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    batch::{Batch, Stored},
    file::Lock,
    group::Change,
    shared::Shared,
    topics::Topics,
};
use crate::{BusError, Outgoing, Published, Record, TopicSpec, codec};

/// Approximate upper bound of the records in one transaction, in bytes.
const COMMIT_BYTES: usize = 4 << 20;
/// Approximate upper bound of a row. A reader always reads whole rows.
const ROW_BYTES: usize = 1 << 20;
const LARGEST_MESSAGE: usize = 16 << 20;
/// The longest time until a committed position is written.
const POSITIONS_WAIT: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub enum Request {
    Publish {
        batch: Vec<Outgoing>,
        bytes: usize,
        answer: oneshot::Sender<Published>,
        share: OwnedSemaphorePermit,
    },
    Topics {
        specs: Vec<TopicSpec>,
        answer: oneshot::Sender<Result<(), BusError>>,
    },
    /// There are changed positions to write.
    Positions,
    Close {
        answer: oneshot::Sender<()>,
    },
}

/// The channel of a waiting caller, the answer if the commit succeeds, and the caller's share of the queue.
type Waiting = (oneshot::Sender<Published>, Published, OwnedSemaphorePermit);

pub struct Writer {
    pub(super) connection: Connection,
    /// Dropped after the connection: another process must not open the file earlier.
    lock: Lock,
    /// Weak, so that the thread ends when the log is dropped without `close`.
    shared: Weak<Shared>,
    pub(super) clock: Clock,
    pub(super) retention: Option<Duration>,
    /// Time of the next search for old records.
    pub(super) prune_at: DateTime<Utc>,
    /// Time at which positions must be written.
    due: Option<Instant>,
}

impl Writer {
    pub fn new(
        connection: Connection,
        lock: Lock,
        shared: &Arc<Shared>,
        clock: Clock,
        retention: Option<Duration>,
    ) -> Self {
        let prune_at = clock.now();
        Self { connection, lock, shared: Arc::downgrade(shared), clock, retention, prune_at, due: None }
    }

    pub fn run(mut self, inbox: &Receiver<Request>) {
        let mut next = None;
        loop {
            let request = match (next.take(), self.due) {
                (Some(request), _) => Ok(request),
                (None, Some(due)) => inbox.recv_timeout(due.saturating_duration_since(Instant::now())),
                (None, None) => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            // `shared` owns the sender: without it there are no more requests.
            let Some(shared) = self.shared.upgrade() else { return };
            match request {
                Ok(Request::Publish { batch, bytes, answer, share }) => {
                    let mut bytes = bytes;
                    let mut calls = vec![(batch, answer, share)];
                    while bytes < COMMIT_BYTES && next.is_none() {
                        match inbox.try_recv() {
                            Ok(Request::Publish { batch, bytes: more, answer, share }) => {
                                bytes += more;
                                calls.push((batch, answer, share));
                            }
                            Ok(other) => next = Some(other),
                            Err(_) => break,
                        }
                    }
                    self.publish(&shared, calls);
                    self.prune(&shared);
                }
                Ok(Request::Topics { specs, answer }) => {
                    let _ = answer.send(self.create_topics(&shared, specs));
                }
                Ok(Request::Positions) => {
                    self.due.get_or_insert_with(|| Instant::now() + POSITIONS_WAIT);
                }
                Err(RecvTimeoutError::Timeout) => self.write(&shared, Vec::new()).unwrap_or_default(),
                Ok(Request::Close { answer }) => {
                    shared.any_state().closed = true; // a later commit would not be written, so it is refused
                    self.due = Some(Instant::now());
                    let _ = self.write(&shared, Vec::new()); // an error is logged; records are then repeated
                    shared.end();
                    drop((self.connection, self.lock));
                    let _ = answer.send(());
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn publish(
        &mut self,
        shared: &Shared,
        calls: Vec<(Vec<Outgoing>, oneshot::Sender<Published>, OwnedSemaphorePermit)>,
    ) {
        let (topics, head) = {
            let state = shared.any_state();
            (state.topics.clone(), state.head)
        };
        let mut rows = Rows { next: head, batches: Vec::new(), open: Vec::new(), bytes: 0 };
        let mut waiting: Vec<Waiting> = Vec::with_capacity(calls.len());
        for (batch, answer, share) in calls {
            let unknown = batch.iter().find(|one| topics.find(&one.topic).is_none());
            let published = match unknown {
                Some(one) => {
                    Published { durable: 0, failure: Some(BusError::UnknownTopic(one.topic.as_ref().to_owned())) }
                }
                None => rows.place(batch, &topics),
            };
            waiting.push((answer, published, share));
        }
        let outcome = self.write(shared, rows.finish());
        for (answer, published, _share) in waiting {
            let published = match &outcome {
                Err(why) if published.durable > 0 => {
                    Published { durable: 0, failure: Some(BusError::Unavailable(why.clone())) }
                }
                _ => published,
            };
            let _ = answer.send(published); // an error means that the caller no longer waits
        }
    }

    /// Writes records, and positions if they are due, in one transaction. Then makes the records visible to readers.
    fn write(&mut self, shared: &Shared, batches: Vec<Batch>) -> Result<(), String> {
        let due = self.due.is_some_and(|due| due <= Instant::now());
        let changes = if due { shared.any_state().take_changes() } else { Vec::new() };
        if batches.is_empty() && changes.is_empty() {
            self.due = self.due.filter(|_| !due);
            return Ok(());
        }
        let at = self.clock.now().timestamp_micros();
        let written = transaction(&mut self.connection, |tx| {
            for batch in &batches {
                insert(tx, batch, at)?;
            }
            changes.iter().try_for_each(|change| upsert(tx, change))
        });
        let mut state = shared.any_state();
        match written {
            Ok(()) => {
                state.write_failure = None;
                self.due = self.due.filter(|_| !due);
                if !batches.is_empty() {
                    state.append(batches.into_iter().map(Arc::new).collect());
                    drop(state);
                    shared.wake();
                }
                Ok(())
            }
            Err(error) => {
                let why = format!("the event log can't be written: {error}");
                tracing::error!("{why}");
                state.mark_unwritten(&changes);
                state.write_failure = Some(why.clone());
                self.due = self.due.map(|_| Instant::now() + POSITIONS_WAIT);
                Err(why)
            }
        }
    }

    fn create_topics(&mut self, shared: &Shared, specs: Vec<TopicSpec>) -> Result<(), BusError> {
        let created = transaction(&mut self.connection, |tx| {
            for TopicSpec { name, partitions, compacted, .. } in &specs {
                tx.prepare_cached("INSERT OR IGNORE INTO topics (name, partitions, compacted) VALUES (?1, ?2, ?3)")?
                    .execute((&**name, partitions, compacted))?;
            }
            Ok(())
        });
        created.map_err(|error| BusError::Unavailable(format!("topics can't be created: {error}")))?;
        shared.any_state().add_topics(specs);
        Ok(())
    }
}

/// Assigns sequence numbers and divides the records into rows.
struct Rows {
    next: i64,
    batches: Vec<Batch>,
    open: Vec<Stored>,
    bytes: usize,
}

impl Rows {
    /// Places the whole batch, or the messages before the first one that is too large.
    fn place(&mut self, batch: Vec<Outgoing>, topics: &Topics) -> Published {
        let durable = batch.len();
        for (index, Outgoing { topic, message }) in batch.into_iter().enumerate() {
            let size = message.size();
            if size > LARGEST_MESSAGE {
                let why = format!("{size} bytes for topic {topic}, the limit is {LARGEST_MESSAGE}");
                return Published { durable: index, failure: Some(BusError::Refused(why)) };
            }
            if self.bytes + size > ROW_BYTES {
                self.cut();
            }
            let topic = topics.find(&topic).expect("`publish` has checked the topic");
            let partition = topic.partition(&message.key, self.next);
            let record = Record { topic: topic.name.clone(), partition, offset: self.next, message };
            self.open.push(Stored { slot: topic.slot(partition), record });
            self.bytes += size + 64;
            self.next += 1;
        }
        Published { durable, failure: None }
    }

    fn cut(&mut self) {
        if !self.open.is_empty() {
            self.batches.push(Batch { records: std::mem::take(&mut self.open), end: self.next });
            self.bytes = 0;
        }
    }

    fn finish(mut self) -> Vec<Batch> {
        self.cut();
        self.batches
    }
}

pub fn transaction<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&tx)?;
    tx.commit()?;
    Ok(done)
}

fn insert(tx: &Transaction, batch: &Batch, at: i64) -> rusqlite::Result<()> {
    let blob = codec::encode(batch.records.iter().map(|it| (&*it.record.topic, &*it.record.message)));
    let first = batch.records.first().map_or(batch.end, |it| it.record.offset);
    tx.prepare_cached("INSERT INTO batches (first, count, at, records) VALUES (?1, ?2, ?3, ?4)")?.execute((
        first,
        batch.end - first,
        at,
        blob,
    ))?;
    Ok(())
}

fn upsert(tx: &Transaction, change: &Change) -> rusqlite::Result<()> {
    let Change { group, partition, next } = change;
    tx.prepare_cached("INSERT OR REPLACE INTO positions (\"group\", topic, partition, next) VALUES (?1, ?2, ?3, ?4)")?
        .execute((&**group, &*partition.topic, partition.partition, next))?;
    Ok(())
}
