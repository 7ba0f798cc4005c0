//! A consumer and its thread, which polls records from librdkafka and buffers them for the subscription.
//!
//! librdkafka requires continuous polling, even if records are processed slowly: rebalances wait for the next poll. So
//! when the buffer is full, the thread pauses the partitions and polls on.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext, Message as _, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance},
    error::{KafkaError, RDKafkaErrorCode as Code},
    metadata::{MetadataPartition, MetadataTopic},
};
use tracing::{debug, warn};

use super::{
    convert::{record, setup},
    health::{self, Health},
    names::Names,
    options::METADATA_AGE,
    shared::Shared,
    watchdog::Watchdog,
};
use crate::{BusError, Record};

/// Maximum number of records polled before they are moved to the buffer.
const MAX_POLLED: usize = 500;
/// How long a poll waits for records before the thread checks whether it must stop.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
/// How long the thread waits for space in the buffer before it pauses the partitions.
const PAUSE_AFTER: Duration = Duration::from_millis(500);
/// How long a query to a broker may take.
const WAIT_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) type Consumer = BaseConsumer<Events>;

/// librdkafka's callbacks for a consumer. They run in the consumer's thread, inside `poll`.
pub(super) struct Events {
    health: Arc<Health>,
    shared: Arc<Shared>,
}

impl ClientContext for Events {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        health::log(level, facility, message);
    }

    fn error(&self, cause: KafkaError, reason: &str) {
        health::error(&self.health, &cause, reason);
        let principal = self.health.principal();
        let refused = match cause.rdkafka_error_code() {
            Some(Code::TopicAuthorizationFailed) => format!("{principal} is not allowed to read a topic: {reason}"),
            Some(Code::GroupAuthorizationFailed) if !self.shared.group.is_empty() => {
                format!("{principal} is not allowed to use the consumer group {}", self.shared.group)
            }
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => {
                // "Subscribed topic not available: NAME: Broker: …"
                let name = reason.split(": ").nth(1).unwrap_or(reason);
                return self.shared.fail(BusError::UnknownTopic(self.shared.names.logical(name).to_string()));
            }
            _ => return,
        };
        self.health.refuse(&self.shared.group, &refused);
        self.shared.fail(BusError::Refused(refused));
    }
}

impl ConsumerContext for Events {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            let partitions = self.shared.partitions(list);
            debug!(group = self.shared.group, ?partitions, "partitions are revoked");
            // Store the positions now: librdkafka commits them before the next member begins.
            store(consumer, self.shared.uncommitted(Some(&partitions)));
            self.shared.revoke(&partitions);
            let _ = consumer.resume(list); // otherwise a paused partition would stay paused when it is assigned again
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            let partitions = self.shared.partitions(list);
            debug!(group = self.shared.group, ?partitions, "partitions are assigned");
            self.health.recovered();
            self.health.allow(&self.shared.group);
            self.shared.assign(partitions);
        }
    }
}

fn store(consumer: &Consumer, positions: Option<TopicPartitionList>) {
    if let Some(positions) = positions
        && let Err(error) = consumer.store_offsets(&positions)
    {
        debug!(%error, "positions are not stored; records may be repeated");
    }
}

/// The source of a consumer's partitions.
pub(super) enum From {
    /// The group assigns them.
    Group,
    /// Fixed partitions, read from these offsets on.
    Places(TopicPartitionList),
}

/// Creates a consumer and starts its thread.
pub(super) fn start(
    config: &ClientConfig,
    health: &Arc<Health>,
    names: Names,
    group: &str,
    from: &From,
) -> Result<Arc<Shared>, BusError> {
    let shared = Shared::new(names, group);
    let consumer = consumer(config, health, &shared, from)?;
    let growing = match from {
        From::Group => None, // a group assigns new partitions by itself
        From::Places(_) => config.get(METADATA_AGE).and_then(|age| age.parse().ok()).map(Duration::from_millis),
    };
    let (config, health) = (config.clone(), health.clone());
    let thread = Thread { consumer, config, shared: shared.clone(), health, paused: false, broken: None };
    std::thread::Builder::new()
        .name("kafka-read".into())
        .spawn(move || thread.run(growing))
        .map_err(|error| BusError::Setup(format!("no thread for Kafka: {error}")))?;
    Ok(shared)
}

fn consumer(
    config: &ClientConfig,
    health: &Arc<Health>,
    shared: &Arc<Shared>,
    from: &From,
) -> Result<Consumer, BusError> {
    let events = Events { health: health.clone(), shared: shared.clone() };
    let consumer: Consumer = config.create_with_context(events).map_err(|error| setup(&error))?;
    let begun = match from {
        From::Group => consumer.subscribe(&shared.names.actual()),
        From::Places(places) => {
            consumer.incremental_assign(places).inspect(|()| shared.assign(shared.partitions(places)))
        }
    };
    begun.map_err(|error| BusError::Setup(format!("topics cannot be read: {error}")))?;
    Ok(consumer)
}

struct Thread {
    consumer: Consumer,
    config: ClientConfig,
    shared: Arc<Shared>,
    health: Arc<Health>,
    paused: bool,
    /// The reason why this consumer can never read again.
    broken: Option<String>,
}

impl Thread {
    /// `growing`: the interval at which a follower checks for new partitions.
    fn run(mut self, growing: Option<Duration>) {
        let mut batch = Vec::with_capacity(MAX_POLLED);
        let mut watchdog = Watchdog::default();
        let mut checked = Instant::now();
        while self.wait_for_space() {
            let wait = if self.paused { PAUSE_AFTER } else { POLL_TIMEOUT };
            let begun = Instant::now();
            self.poll(&mut batch, wait);
            watchdog.observe(batch.len());
            self.shared.deliver(&mut batch);
            store(&self.consumer, self.shared.uncommitted(None));
            if let Some(why) = self.broken.take() {
                self.rejoin(&why);
            } else if let Some(age) = growing {
                if checked.elapsed() >= age {
                    self.add_partitions();
                    checked = Instant::now();
                }
            } else if !self.paused && begun.elapsed() >= POLL_TIMEOUT / 2 {
                watchdog.check(&self.consumer, &self.shared.names.actual());
            }
        }
        store(&self.consumer, self.shared.uncommitted(None));
        let Self { consumer, shared, .. } = self;
        drop(consumer); // leaves the group
        shared.end();
    }

    /// Waits for space in the buffer. Pauses the partitions while there is none: a poll then serves only rebalances.
    /// `false`: the thread must stop.
    fn wait_for_space(&mut self) -> bool {
        let (full, stop) = self.shared.wait_for_space(if self.paused { Duration::ZERO } else { PAUSE_AFTER });
        if full != self.paused && !stop {
            self.pause(full);
        } else if full && let Ok(ours) = self.consumer.assignment() {
            let _ = self.consumer.pause(&ours); // includes partitions assigned since
        }
        !stop
    }

    fn pause(&mut self, pause: bool) {
        let paused = self
            .consumer
            .assignment()
            .and_then(|ours| if pause { self.consumer.pause(&ours) } else { self.consumer.resume(&ours) });
        match paused {
            Ok(()) => self.paused = pause,
            Err(error) => warn!(%error, pause, "partitions cannot be paused or resumed"),
        }
    }

    /// Waits for a record, then polls the others that are available.
    fn poll(&mut self, batch: &mut Vec<Record>, wait: Duration) {
        let mut wait = wait;
        while batch.len() < MAX_POLLED
            && let Some(polled) = self.consumer.poll(wait)
        {
            match polled {
                Ok(message) => {
                    let topic = self.shared.names.logical(message.topic());
                    batch.push(record(&message, topic));
                    wait = Duration::ZERO;
                }
                Err(error) => {
                    self.failed(&error);
                    break;
                }
            }
        }
        if !batch.is_empty() {
            self.health.recovered();
        }
    }

    /// Follows new partitions from their beginning: all of their records are newer than this follower.
    fn add_partitions(&self) {
        let Ok(known) = self.consumer.assignment() else { return };
        let mut new = TopicPartitionList::new();
        for (actual, _) in self.shared.names.iter() {
            let Ok(metadata) = self.consumer.fetch_metadata(Some(actual), WAIT_TIMEOUT) else { return };
            let partitions =
                metadata.topics().iter().filter(|it| it.name() == actual).flat_map(MetadataTopic::partitions);
            for partition in partitions.map(MetadataPartition::id) {
                if known.find_partition(actual, partition).is_none() {
                    let _ = new.add_partition_offset(actual, partition, Offset::Beginning); // it is representable
                }
            }
        }
        if new.count() > 0 {
            match self.consumer.incremental_assign(&new) {
                Ok(()) => self.shared.assign(self.shared.partitions(&new)),
                Err(error) => warn!(%error, "new partitions cannot be followed"),
            }
        }
    }

    /// Detects the errors that end this consumer. Other errors are temporary, and `Events` receives them too.
    fn failed(&mut self, error: &KafkaError) {
        let why = match error {
            KafkaError::MessageConsumptionFatal(Code::FencedInstanceId) => {
                format!("group {}: another process has the same instance name and took over", self.shared.group)
            }
            KafkaError::MessageConsumptionFatal(code) => format!("group {}: {code}", self.shared.group),
            _ => return,
        };
        self.health.refuse(&self.shared.group, &why);
        self.broken = Some(why);
    }

    /// Joins the group again, without `group.instance.id`. Another process may use the same id, and two members with
    /// one id would fence each other for ever. Often there is no other process: a restarting broker can mistake a
    /// member's repeated request for another member's.
    fn rejoin(&mut self, why: &str) {
        if self.shared.group.is_empty() {
            return self.shared.fail_permanently(why.to_owned()); // a follower has no stored position to resume from
        }
        warn!("{why}; this member joins again without an instance name");
        self.shared.revoke(&self.shared.ours());
        self.config.remove("group.instance.id");
        self.paused = false;
        loop {
            match consumer(&self.config, &self.health, &self.shared, &From::Group) {
                Ok(new) => return self.consumer = new,
                Err(error) => warn!(%error, "rejoining the group failed"),
            }
            if self.shared.stops_within(WAIT_TIMEOUT) {
                return;
            }
        }
    }
}
