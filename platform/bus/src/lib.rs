#![doc = include_str!("../README.md")]

use std::{borrow::Cow, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;

pub mod codec;
pub mod embedded;
pub mod kafka;
pub mod topics;

/// A message: key, headers, value, as bytes. Shared, never copied, on its way from the decision that publishes it to
/// the consumers that read it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Decides the partition. For our own events the order id (or product id) as hyphenated text.
    pub key: Bytes,
    /// In order; a name may come twice.
    pub headers: Vec<(Cow<'static, str>, Bytes)>,
    /// The event as JSON; empty for a record without value.
    pub value: Bytes,
}

impl Message {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| &**value)
    }

    /// Bytes of key, headers and value together.
    pub fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.key.len() + self.value.len() + headers
    }
}

/// A message on its way to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub topic: Arc<str>,
    pub message: Arc<Message>,
}

/// A message with its place in the log.
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

/// The offset of the next record that a group has not yet dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub partition: Partition,
    pub next: i64,
}

/// How far a group is behind, in records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    pub partition: Partition,
    pub records: u64,
}

/// A topic as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    pub name: Arc<str>,
    pub partitions: i32,
    /// Only the last record of a key is kept for ever.
    pub compacted: bool,
    /// How long records are kept. `None`: as the log is set up. (The embedded log has one retention for all.)
    pub retention: Option<Duration>,
}

/// A topic as it is. `None`: not known, or nothing that this log has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicState {
    pub name: Arc<str>,
    pub partitions: i32,
    /// Of each partition.
    pub copies: Option<i32>,
    pub compacted: Option<bool>,
    pub retention: Option<Duration>,
}

/// What became of a batch that was published.
#[derive(Debug)]
pub struct Published {
    /// So many of them, counted from the first, are durable. Those behind may or may not be.
    pub durable: usize,
    /// Why not all.
    pub failure: Option<BusError>,
}

#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// Not now: try again.
    #[error("the bus is not available: {0}")]
    Unavailable(String),
    /// Never: the topic does not exist.
    #[error("topic {0} does not exist")]
    UnknownTopic(String),
    /// Never: this message is refused.
    #[error("the bus refuses a message: {0}")]
    Refused(String),
    /// The bus can't be opened as it is configured.
    #[error("{0}")]
    Setup(String),
}

/// An event log with topics, partitions and consumer groups.
pub trait Bus: Send + Sync + 'static {
    /// Creates those that are missing; leaves others as they are.
    fn create_topics<'a>(&'a self, topics: &'a [TopicSpec]) -> BoxFuture<'a, Result<(), BusError>>;

    /// Those of these topics that exist, as they are.
    fn topics<'a>(&'a self, names: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<TopicState>, BusError>>;

    /// Gives existing topics more partitions and other settings. (`topics` decides what is to be done.)
    fn alter_topics<'a>(&'a self, topics: &'a [TopicSpec]) -> BoxFuture<'a, Result<(), BusError>>;

    /// Appends, keeping the order within each key, and returns when it is known what is durable.
    fn publish(&self, batch: Vec<Outgoing>) -> BoxFuture<'_, Published>;

    /// Joins a consumer group. A group that is new begins with the oldest record. For so long (`linger`) a few records may wait
    /// for more of them, where bringing each alone costs something.
    fn join<'a>(
        &'a self,
        group: &'a str,
        topics: &'a [Arc<str>],
        linger: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Subscription>, BusError>>;

    /// Joins a consumer group that is in a hurry.
    fn subscribe<'a>(
        &'a self,
        group: &'a str,
        topics: &'a [Arc<str>],
    ) -> BoxFuture<'a, Result<Box<dyn Subscription>, BusError>> {
        self.join(group, topics, Duration::ZERO)
    }

    /// How far the group is behind, per partition of these topics. A partition whose lag is unknown is absent.
    fn lag<'a>(&'a self, group: &'a str, topics: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Lag>, BusError>>;

    /// Up to `most` records of a partition, from this offset on.
    fn read<'a>(
        &'a self,
        partition: &'a Partition,
        from: i64,
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, BusError>>;

    /// Follows topics without a group: every follower gets every record that is published from now on.
    fn follow<'a>(&'a self, topics: &'a [Arc<str>]) -> BoxFuture<'a, Result<Box<dyn Follower>, BusError>>;

    /// `Err`: what is wrong, in words for a person.
    fn health(&self) -> BoxFuture<'_, Result<(), String>>;

    /// Makes everything accepted so far durable (committed positions too) and closes. Called once, last.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// A member of a consumer group.
pub trait Subscription: Send {
    /// Waits until something is there, and takes what is there: at most `most` records; those of a partition in log
    /// order, and causes before their effects as far as the log knows. May be dropped while it waits: nothing is lost.
    fn next(&mut self, most: usize) -> BoxFuture<'_, Result<Taken, BusError>>;

    /// Everything before these positions is dealt with, durably. May be written lazily (repeats after a crash are the
    /// inbox's business), but not lost by `close`.
    fn commit<'a>(&'a mut self, upto: &'a [Position]) -> BoxFuture<'a, Result<(), BusError>>;

    /// Leaves the group.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// What a subscription hands out. What was revoked was so first, then came what is assigned, then the records: a partition
/// that went and came back is in both lists.
#[derive(Debug, Default)]
pub struct Taken {
    /// Only of partitions that are ours.
    pub records: Vec<Record>,
    /// Partitions that are ours from now on (also the first ones).
    pub assigned: Vec<Partition>,
    /// Partitions that are not ours any more: unfinished work on them is to be dropped.
    pub revoked: Vec<Partition>,
    /// There may be more already: no reason to wait for it.
    pub more: bool,
}

/// Follows topics without a group.
pub trait Follower: Send {
    /// Waits until something is there. A follower that falls far behind may miss records; then it returns `Err`.
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Record>, BusError>>;
}
