//! A consumer and the thread that serves it: takes records from the library and keeps them for the subscription.
//!
//! The library wants its consumer polled all the time (rebalances wait for it), however slowly its records are processed.
//! So when enough records are kept, partitions are paused instead.

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

/// Records taken from the library before they are handed over.
const AT_ONCE: usize = 500;
/// How long the library may wait for something before the thread looks whether it is to stop.
const WAIT: Duration = Duration::from_millis(100);
/// How long a slow subscription is waited for before partitions are paused.
const SLOW: Duration = Duration::from_millis(500);
/// How long a question to a broker may take.
const WAIT_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) type Consumer = BaseConsumer<Events>;

/// Callbacks of the library for a consumer. Called in the thread, while it polls.
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
        let who = self.health.who();
        let refused = match cause.rdkafka_error_code() {
            Some(Code::TopicAuthorizationFailed) => format!("{who} is not allowed to read a topic: {reason}"),
            Some(Code::GroupAuthorizationFailed) if !self.shared.group.is_empty() => {
                format!("{who} is not allowed to use the consumer group {}", self.shared.group)
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
            debug!(group = self.shared.group, ?partitions, "partitions are given away");
            // Offsets are committed before the next member begins there.
            say(consumer, self.shared.unsaid(Some(&partitions)));
            self.shared.revoke(&partitions);
            let _ = consumer.resume(list); // or one that rests would still do so when it comes back
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            let partitions = self.shared.partitions(list);
            debug!(group = self.shared.group, ?partitions, "partitions are ours");
            self.health.well_again();
            self.health.allow(&self.shared.group);
            self.shared.assign(partitions);
        }
    }
}

fn say(consumer: &Consumer, positions: Option<TopicPartitionList>) {
    if let Some(positions) = positions
        && let Err(error) = consumer.store_offsets(&positions)
    {
        debug!(%error, "positions are not noted; repeats are possible");
    }
}

/// How a consumer comes to its partitions.
pub(super) enum From {
    /// As a member of its group.
    Group,
    /// These, from these places on.
    Places(TopicPartitionList),
}

/// Makes a consumer and the thread that serves it.
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
        From::Group => None, // a group learns by itself of new partitions
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
    /// This consumer will never read again; why.
    broken: Option<String>,
}

impl Thread {
    /// `growing`: how often a follower looks for new partitions.
    fn run(mut self, growing: Option<Duration>) {
        let mut batch = Vec::with_capacity(AT_ONCE);
        let mut watchdog = Watchdog::default();
        let mut looked = Instant::now();
        while self.has_room() {
            let wait = if self.paused { SLOW } else { WAIT };
            let begun = Instant::now();
            self.take(&mut batch, wait);
            watchdog.saw(batch.len());
            self.shared.deliver(&mut batch);
            say(&self.consumer, self.shared.unsaid(None));
            if let Some(why) = self.broken.take() {
                self.begin_anew(&why);
            } else if let Some(age) = growing {
                if looked.elapsed() >= age {
                    self.grow();
                    looked = Instant::now();
                }
            } else if !self.paused && begun.elapsed() >= WAIT / 2 {
                watchdog.look(&self.consumer, &self.shared.names.actual());
            }
        }
        say(&self.consumer, self.shared.unsaid(None));
        let Self { consumer, shared, .. } = self;
        drop(consumer); // says good-bye
        shared.end();
    }

    /// `false`: it is time to stop. While there is none, partitions rest, and nothing but rebalances comes.
    fn has_room(&mut self) -> bool {
        let (full, stop) = self.shared.room(if self.paused { Duration::ZERO } else { SLOW });
        if full != self.paused && !stop {
            self.pause(full);
        } else if full && let Ok(ours) = self.consumer.assignment() {
            let _ = self.consumer.pause(&ours); // those that have come meanwhile, too
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

    /// Waits for a record and takes what else is there.
    fn take(&mut self, batch: &mut Vec<Record>, wait: Duration) {
        let mut wait = wait;
        while batch.len() < AT_ONCE
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
            self.health.well_again();
        }
    }

    /// Follows partitions that were added, too: from their beginning, for they began after we did.
    fn grow(&self) {
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
                Err(error) => warn!(%error, "partitions that were added are not followed"),
            }
        }
    }

    /// Most errors are of the moment, and known to `Events`.
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

    /// Joins the group once more, as somebody without a name: one that has the name may really be there, and then the two
    /// would push each other out for ever. (Often there is none: a broker that restarts can take a member's own repeated
    /// request for another's.)
    fn begin_anew(&mut self, why: &str) {
        if self.shared.group.is_empty() {
            return self.shared.broke(why.to_owned()); // a follower would not know where it was
        }
        warn!("{why}; it joins again without a name");
        self.shared.revoke(&self.shared.ours());
        self.config.remove("group.instance.id");
        self.paused = false;
        loop {
            match consumer(&self.config, &self.health, &self.shared, &From::Group) {
                Ok(new) => return self.consumer = new,
                Err(error) => warn!(%error, "the group cannot be joined again now"),
            }
            if self.shared.stops_within(WAIT_TIMEOUT) {
                return;
            }
        }
    }
}
