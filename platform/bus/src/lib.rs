#![doc = include_str!("../README.md")]

use std::{borrow::Cow, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;

pub mod codec;
pub mod embedded;
pub mod kafka;
pub mod topics;

/// A message: key, headers and value, as bytes. Publishers and consumers in one process share it without a copy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Determines the partition. Uzon's own events use the order id or product id, as hyphenated text.
    pub key: Bytes,
    /// Ordered; a name may occur several times.
    pub headers: Vec<(Cow<'static, str>, Bytes)>,
    /// The event as JSON; empty for a record without a value.
    pub value: Bytes,
}

impl Message {
    /// The value of the first header with this name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| &**value)
    }

    /// Total size of key, headers and value in bytes.
    pub fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.key.len() + self.value.len() + headers
    }
}

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub topic: Arc<str>,
    pub message: Arc<Message>,
}

/// A message with its position in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub topic: Arc<str>,
    pub partition: i32,
    /// Rises within a partition; gaps are allowed.
    pub offset: i64,
    pub message: Arc<Message>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    pub topic: Arc<str>,
    pub partition: i32,
}

/// The offset of the next record that a group has not yet processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub partition: Partition,
    pub next: i64,
}

/// The number of records that a group has not yet processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    pub partition: Partition,
    pub records: u64,
}

/// The required state of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    pub name: Arc<str>,
    pub partitions: i32,
    /// Whether the log keeps the last record of each key for ever.
    pub compacted: bool,
    /// How long records are kept. `None`: the log's default. The embedded log uses its default for all topics.
    pub retention: Option<Duration>,
}

/// The actual state of a topic. A field is `None` if it is unknown or does not exist in this log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicState {
    pub name: Arc<str>,
    pub partitions: i32,
    /// Replicas of each partition.
    pub copies: Option<i32>,
    pub compacted: Option<bool>,
    pub retention: Option<Duration>,
}

/// The result of publishing a batch.
#[derive(Debug)]
pub struct Published {
    /// The number of durable messages, counted from the first. Later messages may be durable or not.
    pub durable: usize,
    /// The reason why not all messages are durable.
    pub failure: Option<BusError>,
}

#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// Temporary: a retry may succeed.
    #[error("the bus is not available: {0}")]
    Unavailable(String),
    /// Permanent: the topic does not exist.
    #[error("topic {0} does not exist")]
    UnknownTopic(String),
    /// Permanent: the log refuses this message.
    #[error("the bus refuses a message: {0}")]
    Refused(String),
    /// The configuration does not allow the operation: for example, the bus cannot be opened with it.
    #[error("{0}")]
    Setup(String),
}

/// An event log with topics, partitions and consumer groups.
pub trait Bus: Send + Sync + 'static {
    /// Creates the missing topics. Does not change existing topics.
    fn create_topics<'a>(&'a self, topics: &'a [TopicSpec]) -> BoxFuture<'a, Result<(), BusError>>;

    /// The actual state of those topics that exist.
    fn topics<'a>(&'a self, names: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<TopicState>, BusError>>;

    /// Adds partitions to existing topics and changes their settings. [`topics::plan`] computes the changes.
    fn alter_topics<'a>(&'a self, topics: &'a [TopicSpec]) -> BoxFuture<'a, Result<(), BusError>>;

    /// Appends a batch. Keeps the order of the messages with the same key. Returns when it is known which are durable.
    fn publish(&self, batch: Vec<Outgoing>) -> BoxFuture<'_, Published>;

    /// Joins a consumer group. A new group begins with the oldest record. `linger`: how long the log may hold back
    /// a few records to deliver them with later ones, if small deliveries are expensive.
    fn join<'a>(
        &'a self,
        group: &'a str,
        topics: &'a [Arc<str>],
        linger: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Subscription>, BusError>>;

    /// Joins a consumer group that receives records without delay.
    fn subscribe<'a>(
        &'a self,
        group: &'a str,
        topics: &'a [Arc<str>],
    ) -> BoxFuture<'a, Result<Box<dyn Subscription>, BusError>> {
        self.join(group, topics, Duration::ZERO)
    }

    /// The lag of a group per partition of these topics. A partition with unknown lag is absent.
    fn lag<'a>(&'a self, group: &'a str, topics: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Lag>, BusError>>;

    /// Up to `most` records of a partition, from this offset on.
    fn read<'a>(
        &'a self,
        partition: &'a Partition,
        from: i64,
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, BusError>>;

    /// Follows topics without a group: every follower receives every record that is published from now on.
    fn follow<'a>(&'a self, topics: &'a [Arc<str>]) -> BoxFuture<'a, Result<Box<dyn Follower>, BusError>>;

    /// `Err`: the reason why the bus is unavailable, as text for an operator.
    fn health(&self) -> BoxFuture<'_, Result<(), String>>;

    /// Makes all accepted messages and committed positions durable, then closes the bus. The last call, made once.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// A member of a consumer group.
pub trait Subscription: Send {
    /// Waits until there is something to return: records or changed assignments. Returns at most `most` records.
    /// Records of a partition are in log order. An adapter with one order over all topics returns causes before their
    /// effects. The future may be dropped while it waits: no record is lost.
    fn next(&mut self, most: usize) -> BoxFuture<'_, Result<Taken, BusError>>;

    /// Commits positions: all records before them are processed, and the results are durable. The log may write
    /// positions later, so a crash can repeat records; the inbox recognises them. `close` writes all of them.
    fn commit<'a>(&'a mut self, upto: &'a [Position]) -> BoxFuture<'a, Result<(), BusError>>;

    /// Leaves the group.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// The result of [`Subscription::next`]. Apply `revoked` first, then `assigned`, then the records: a partition that was
/// revoked and assigned again is in both lists.
#[derive(Debug, Default)]
pub struct Taken {
    /// Records of assigned partitions only.
    pub records: Vec<Record>,
    /// Newly assigned partitions. The first result includes the initial ones.
    pub assigned: Vec<Partition>,
    /// Partitions that are no longer assigned. The caller must drop unfinished work on them: another member may
    /// already process them.
    pub revoked: Vec<Partition>,
    /// More records may be available at once: the caller should not wait before the next call.
    pub more: bool,
}

/// Follows topics without a group.
pub trait Follower: Send {
    /// Waits until there are records. A follower that is far behind can miss records; the call then returns `Err`.
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Record>, BusError>>;
}
