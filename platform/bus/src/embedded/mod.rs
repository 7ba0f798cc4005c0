//! The embedded log: topics, partitions, offsets and consumer groups in one SQLite file.
//!
//! The log serves **one process on one machine**: a second process cannot open the file. A group has **one member**.
//! Acknowledged records survive `kill -9` and, with `fsync`, a power failure.
//!
//! - All topics share one sequence of numbers, and a record's offset is its sequence number. Offsets rise within a
//!   partition, with gaps, and a group reads its topics in the order in which the records were published.
//! - One thread writes. It appends all waiting requests in one transaction and passes the records to the readers
//!   in memory. Only a reader that is far behind reads the file.
//! - Retention is by age and does not wait for slow groups, as in Kafka. A compacted topic keeps the last record of
//!   each key.

use std::{path::Path, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::sync::{Semaphore, oneshot};

use self::{
    follower::Tail,
    shared::{Shared, State},
    subscription::Member,
    writer::{Request, Writer},
};
use super::{
    Bus, BusError, Follower, Lag, Outgoing, Partition, Published, Record, Subscription, TopicSpec, TopicState,
};
use clock::Clock;

mod batch;
mod file;
mod follower;
mod group;
mod lag;
mod partition;
mod retention;
mod shared;
mod subscription;
mod topics;
mod writer;

/// Options of the log.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedOptions {
    /// Older records are removed, even if a group has not read them. `None`: records are never removed.
    pub retention: Option<Duration>,
    /// `false` only for tests: a power failure can then lose or damage the log. `kill -9` cannot.
    pub fsync: bool,
    /// Bytes of recent records that are kept in memory for readers near the end of the log.
    pub ring_bytes: usize,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self { retention: Some(Duration::from_hours(30 * 24)), fsync: true, ring_bytes: 16 << 20 }
    }
}

/// The embedded log. Shared as `Arc<dyn Bus>`.
#[derive(Debug)]
pub struct EmbeddedLog {
    shared: Arc<Shared>,
    /// Bounds the bytes that wait for the writer. A publish that exceeds the bound waits.
    queue: Arc<Semaphore>,
}

const QUEUE_BYTES: u32 = 16 << 20;

impl EmbeddedLog {
    /// Opens the log in this file, or creates it. The folder must exist. The call blocks: use it at the
    /// start of the process. `BusError::Setup`: the file is in use, not a log, of an unknown format or not writable.
    pub fn open(path: &Path, options: EmbeddedOptions, clock: Clock) -> Result<Self, BusError> {
        let lock = file::lock(path)?;
        let connection = file::open(path, options.fsync)?;
        let state = State::new(file::contents(&connection, path)?, options.ring_bytes);
        let (requests, inbox) = std::sync::mpsc::channel();
        let shared = Arc::new(Shared::new(path, state, requests));
        let writer = Writer::new(connection, lock, &shared, clock, options.retention);
        std::thread::Builder::new()
            .name("event-log".into())
            .spawn(move || writer.run(&inbox))
            .map_err(|error| BusError::Setup(format!("no thread for the event log: {error}")))?;
        Ok(Self { shared, queue: Arc::new(Semaphore::new(QUEUE_BYTES as usize)) })
    }

    async fn append(&self, batch: Vec<Outgoing>) -> Result<Published, BusError> {
        let bytes: usize = batch.iter().map(|it| it.message.size() + 64).sum();
        let share = u32::try_from(bytes).unwrap_or(QUEUE_BYTES).min(QUEUE_BYTES);
        let share = self.queue.clone().acquire_many_owned(share).await.map_err(|_| shared::closed())?;
        let (answer, answered) = oneshot::channel();
        self.shared.request(Request::Publish { batch, bytes, answer, share })?;
        answered.await.map_err(|_| shared::closed())
    }
}

impl Bus for EmbeddedLog {
    fn create_topics<'a>(&'a self, topics: &'a [TopicSpec]) -> BoxFuture<'a, Result<(), BusError>> {
        Box::pin(async move {
            if let Some(wrong) = topics.iter().find(|topic| topic.partitions < 1 || topic.name.is_empty()) {
                let TopicSpec { name, partitions, .. } = wrong;
                return Err(BusError::Setup(format!("a topic needs a name and partitions: '{name}', {partitions}")));
            }
            let (answer, answered) = oneshot::channel();
            self.shared.request(Request::Topics { specs: topics.to_vec(), answer })?;
            answered.await.map_err(|_| shared::closed())?
        })
    }

    fn topics<'a>(&'a self, names: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<TopicState>, BusError>> {
        Box::pin(async move {
            let state = self.shared.state()?;
            let found = names.iter().filter_map(|name| state.topics.find(name));
            let as_it_is = |topic: &Arc<topics::Topic>| TopicState {
                name: topic.name.clone(),
                partitions: topic.partitions,
                copies: None,
                compacted: Some(topic.compacted),
                retention: None,
            };
            Ok(found.map(as_it_is).collect())
        })
    }

    /// Refused: more partitions would move keys to other partitions, and this log gains nothing from them.
    fn alter_topics<'a>(&'a self, topics: &'a [TopicSpec]) -> BoxFuture<'a, Result<(), BusError>> {
        let refused = || BusError::Setup("topics of the embedded log stay as they were created".to_owned());
        Box::pin(std::future::ready(if topics.is_empty() { Ok(()) } else { Err(refused()) }))
    }

    /// Writes the whole batch or nothing, with one exception: if a message is too large (over 16 MiB), the messages
    /// before it are written. If a topic is unknown, nothing is written. The records of a call are contiguous.
    fn publish(&self, batch: Vec<Outgoing>) -> BoxFuture<'_, Published> {
        Box::pin(async move {
            if batch.is_empty() {
                return Published { durable: 0, failure: None };
            }
            self.append(batch).await.unwrap_or_else(|failure| Published { durable: 0, failure: Some(failure) })
        })
    }

    /// A group has one member: a second member is refused (`BusError::Setup`) until the first has left.
    fn join<'a>(
        &'a self,
        group: &'a str,
        topics: &'a [Arc<str>],
        _: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Subscription>, BusError>> {
        Box::pin(async move { Ok(Box::new(Member::join(&self.shared, group, topics)?) as Box<dyn Subscription>) })
    }

    fn lag<'a>(&'a self, group: &'a str, topics: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Lag>, BusError>> {
        Box::pin(lag::lag(&self.shared, group, topics))
    }

    fn read<'a>(
        &'a self,
        partition: &'a Partition,
        from: i64,
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, BusError>> {
        Box::pin(async move {
            let (slot, head) = {
                let state = self.shared.state()?;
                let unknown = || BusError::UnknownTopic(format!("{} [{}]", partition.topic, partition.partition));
                (state.topics.slot(partition).ok_or_else(unknown)?, state.head)
            };
            self.shared.blocking(move |shared| shared.collect(slot, from, head, most)).await
        })
    }

    fn follow<'a>(&'a self, topics: &'a [Arc<str>]) -> BoxFuture<'a, Result<Box<dyn Follower>, BusError>> {
        Box::pin(async move { Ok(Box::new(Tail::new(&self.shared, topics)?) as Box<dyn Follower>) })
    }

    fn health(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            match self.shared.state() {
                Ok(state) => state.write_failure.clone().map_or(Ok(()), Err),
                Err(closed) => Err(closed.to_string()),
            }
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.queue.close();
            let (answer, answered) = oneshot::channel();
            if self.shared.request(Request::Close { answer }).is_ok() {
                let _ = answered.await; // an error means that the writer has ended already
            }
        })
    }
}
