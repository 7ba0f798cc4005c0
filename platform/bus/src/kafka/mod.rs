//! Apache Kafka as the bus.
//!
//! - Publishing is idempotent and acknowledged by all in-sync replicas. Messages have no time-out: a later message could
//!   otherwise overtake one that timed out (`producer`).
//! - Only `commit` moves a member's positions (`reader`).
//! - The clients' callbacks report the health of the connection (`health`). While no broker answers, messages wait.
//! - Only `create_topics` creates topics; publishing and reading never do.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError, RwLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::{BoxFuture, join_all};
use rdkafka::Offset;
use tracing::warn;

use self::{
    admin::Admin,
    health::Health,
    member::{LEAVE_TIMEOUT, Member, Tail},
    metadata::MetadataClient,
    names::Names,
    producer::Producer,
    reader::From,
    shared::Shared,
};
use super::{
    Bus, BusError, Follower, Lag, Outgoing, Partition, Position, Published, Record, Subscription, TopicSpec, TopicState,
};

mod admin;
mod convert;
mod health;
mod member;
mod metadata;
mod names;
mod options;
mod producer;
mod range;
mod reader;
mod shared;
mod watchdog;

pub use options::{KafkaOptions, KafkaSecurity};

/// A connection to Kafka. Shared as `Arc<dyn Bus>`.
pub struct Kafka {
    options: Arc<KafkaOptions>,
    health: Arc<Health>,
    metadata: Arc<MetadataClient>,
    admin: Arc<Admin>,
    producer: Producer,
    /// Topics that are known to exist, by the program's names.
    topics: RwLock<HashSet<Arc<str>>>,
    readers: Mutex<Vec<Weak<Shared>>>,
    closed: AtomicBool,
    /// One health check queries the broker; concurrent ones wait for its answer.
    probing: tokio::sync::Mutex<()>,
}

impl Kafka {
    /// Creates the clients and waits up to `timeout` until a broker answers. `BusError::Setup`: these options cannot
    /// work. `BusError::Unavailable`: no broker has answered.
    pub async fn open(options: KafkaOptions, timeout: Duration) -> Result<Self, BusError> {
        options.check()?;
        let options = Arc::new(options);
        let health = Arc::new(Health::new(&options));
        let metadata = Arc::new(MetadataClient::new(&options, &health)?);
        let kafka = Self {
            admin: Arc::new(Admin::new(&options, &health, &metadata)),
            producer: Producer::new(&options, &health)?,
            options,
            health,
            metadata,
            topics: RwLock::default(),
            readers: Mutex::default(),
            closed: AtomicBool::new(false),
            probing: tokio::sync::Mutex::default(),
        };
        let began = std::time::Instant::now();
        loop {
            let Err(why) = kafka.probe(Duration::from_secs(1)).await else { return Ok(kafka) };
            if kafka.health.is_permanently_unavailable() {
                return Err(BusError::Setup(why));
            }
            if began.elapsed() >= timeout {
                return Err(BusError::Unavailable(why));
            }
        }
    }

    /// Runs a query in a thread that may block.
    async fn query<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(closed());
        }
        let answer = tokio::task::spawn_blocking(question).await;
        answer.map_err(|error| BusError::Unavailable(format!("asking Kafka: {error}")))?
    }

    async fn probe(&self, wait: Duration) -> Result<(), String> {
        let metadata = self.metadata.clone();
        let answer = tokio::task::spawn_blocking(move || metadata.probe(wait)).await;
        answer.unwrap_or_else(|error| Err(format!("asking Kafka: {error}")))
    }

    /// The first message whose topic does not exist. Such a message must not be sent: it could create the topic, or
    /// wait for ever.
    async fn first_unknown(&self, batch: &[Outgoing]) -> Result<Option<(usize, BusError)>, BusError> {
        let mut looked: Option<&Arc<str>> = None;
        for (index, outgoing) in batch.iter().enumerate() {
            let topic = &outgoing.topic;
            if looked == Some(topic) || self.topics.read().unwrap_or_else(PoisonError::into_inner).contains(topic) {
                looked = Some(topic);
                continue;
            }
            let (metadata, name, actual) = (self.metadata.clone(), topic.clone(), names::actual(&self.options, topic));
            if self.query(move || metadata.topic(&actual, &name)).await?.is_none() {
                return Ok(Some((index, BusError::UnknownTopic(topic.to_string()))));
            }
            self.topics.write().unwrap_or_else(PoisonError::into_inner).insert(topic.clone());
        }
        Ok(None)
    }

    fn remember(&self, shared: &Arc<Shared>) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|it| it.strong_count() > 0);
        readers.push(Arc::downgrade(shared));
    }

    fn readers(&self) -> Vec<Arc<Shared>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }

    /// The positions of a group's members in this process.
    fn positions(&self, group: &str) -> Vec<Position> {
        self.readers().iter().filter(|it| it.group == group).flat_map(|it| it.positions()).collect()
    }
}

fn closed() -> BusError {
    BusError::Unavailable("the bus is closed".to_owned())
}

impl Bus for Kafka {
    fn create_topics<'a>(&'a self, topics: &'a [TopicSpec]) -> BoxFuture<'a, Result<(), BusError>> {
        Box::pin(async move {
            let (admin, topics) = (self.admin.clone(), topics.to_vec());
            self.query(move || admin.create(&topics)).await
        })
    }

    fn topics<'a>(&'a self, names: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<TopicState>, BusError>> {
        Box::pin(async move {
            let (admin, names) = (self.admin.clone(), names.to_vec());
            self.query(move || admin.states(&names)).await
        })
    }

    fn alter_topics<'a>(&'a self, topics: &'a [TopicSpec]) -> BoxFuture<'a, Result<(), BusError>> {
        Box::pin(async move {
            let (admin, topics) = (self.admin.clone(), topics.to_vec());
            self.query(move || admin.alter(&topics)).await
        })
    }

    /// Waits while no broker answers, and sends when one does. Dropping the future does not cancel messages that were
    /// already passed to librdkafka.
    fn publish(&self, batch: Vec<Outgoing>) -> BoxFuture<'_, Published> {
        Box::pin(async move {
            if self.closed.load(Ordering::Relaxed) {
                return Published { durable: 0, failure: Some(closed()) };
            }
            let (sound, unknown) = match self.first_unknown(&batch).await {
                Ok(None) => (&batch[..], None),
                Ok(Some((index, failure))) => (&batch[..index], Some(failure)),
                Err(failure) => return Published { durable: 0, failure: Some(failure) },
            };
            let mut published = self.producer.publish(sound).await;
            if let Some(BusError::UnknownTopic(name)) = &published.failure {
                self.topics.write().unwrap_or_else(PoisonError::into_inner).remove(&**name); // the topic was deleted
            }
            published.failure = published.failure.or(unknown);
            published
        })
    }

    fn join<'a>(
        &'a self,
        group: &'a str,
        topics: &'a [Arc<str>],
        linger: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Subscription>, BusError>> {
        Box::pin(async move {
            let (metadata, names) = (self.metadata.clone(), Names::new(&self.options, topics));
            let (config, health, group) = (self.options.member(group, linger), self.health.clone(), group.to_owned());
            let start = move || {
                metadata.partitions(&names)?; // refuse a missing topic: the consumer would wait for it
                reader::start(&config, &health, names, &group, &From::Group)
            };
            let shared = self.query(start).await?;
            self.remember(&shared);
            Ok(Box::new(Member::new(shared)) as Box<dyn Subscription>)
        })
    }

    fn lag<'a>(&'a self, group: &'a str, topics: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Lag>, BusError>> {
        Box::pin(async move {
            let (metadata, names) = (self.metadata.clone(), Names::new(&self.options, topics));
            let (group, here) = (group.to_owned(), self.positions(group));
            self.query(move || metadata.lag(&group, &names, &here)).await
        })
    }

    fn read<'a>(
        &'a self,
        partition: &'a Partition,
        from: i64,
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, BusError>> {
        Box::pin(async move {
            let (options, metadata, health) = (self.options.clone(), self.metadata.clone(), self.health.clone());
            let partition = partition.clone();
            self.query(move || range::read(&options, &metadata, &health, &partition, from, most)).await
        })
    }

    fn follow<'a>(&'a self, topics: &'a [Arc<str>]) -> BoxFuture<'a, Result<Box<dyn Follower>, BusError>> {
        Box::pin(async move {
            let (metadata, names) = (self.metadata.clone(), Names::new(&self.options, topics));
            let (config, health) = (self.options.reader(), self.health.clone());
            let start = move || {
                let places = metadata.places(&metadata.partitions(&names)?, Offset::End)?;
                reader::start(&config, &health, names, "", &From::Places(places))
            };
            let shared = self.query(start).await?;
            self.remember(&shared);
            Ok(Box::new(Tail::new(shared)) as Box<dyn Follower>)
        })
    }

    fn health(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            if self.closed.load(Ordering::Relaxed) {
                return Err(closed().to_string());
            }
            if let Some(known) = self.health.known() {
                return known;
            }
            let _one = self.probing.lock().await;
            match self.health.known() {
                Some(known) => known,
                None => self.probe(Duration::from_secs(2)).await,
            }
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.closed.store(true, Ordering::Relaxed);
            let readers = self.readers();
            for reader in &readers {
                reader.stop();
            }
            let leaving = join_all(readers.iter().map(|it| it.ended()));
            let (left, ()) = tokio::join!(tokio::time::timeout(LEAVE_TIMEOUT, leaving), self.producer.close());
            let metadata = self.metadata.clone();
            drop(tokio::task::spawn_blocking(move || metadata.close())); // dropping a consumer blocks
            if left.is_err() {
                warn!("leaving the consumer groups takes too long; closing without it");
            }
        })
    }
}
