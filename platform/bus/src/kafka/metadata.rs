//! Queries the brokers for topics, the begin and end offsets of partitions, and the lag of groups. librdkafka blocks
//! the calling thread until the answer arrives, so these functions must be called in threads that may block.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode as Code},
    topic_partition_list::TopicPartitionListElem,
};

use super::{
    KafkaOptions,
    convert::{about, setup},
    health::{Health, HealthContext},
    names::Names,
};
use crate::{BusError, Lag, Partition, Position};

const WAIT_TIMEOUT: Duration = Duration::from_secs(5);

type Client = BaseConsumer<HealthContext>;

pub(super) struct MetadataClient {
    options: Arc<KafkaOptions>,
    health: Arc<Health>,
    client: Client,
    /// A client for each group whose positions were queried.
    groups: Mutex<HashMap<String, Arc<Client>>>,
}

/// A topic as described by the cluster's metadata.
pub(super) struct Seen {
    pub partitions: i32,
    pub copies: i32,
    /// Every partition has a leader.
    pub ready: bool,
}

impl MetadataClient {
    pub fn new(options: &Arc<KafkaOptions>, health: &Arc<Health>) -> Result<Self, BusError> {
        let client =
            options.metadata().create_with_context(HealthContext(health.clone())).map_err(|error| setup(&error))?;
        Ok(Self { options: options.clone(), health: health.clone(), client, groups: Mutex::default() })
    }

    /// Checks that a broker answers.
    pub fn probe(&self, wait: Duration) -> Result<(), String> {
        // No topic can have this name, so the answer is as short as possible.
        let answer = self.client.fetch_metadata(Some("."), wait);
        self.poll_events();
        match answer {
            Ok(_) => {
                self.health.answered();
                Ok(())
            }
            Err(_) => Err(self.health.outage()),
        }
    }

    /// Makes librdkafka call the callbacks for its queued events.
    pub fn poll_events(&self) {
        for _ in 0..100 {
            if self.client.poll(Duration::ZERO).is_none() {
                break;
            }
        }
    }

    /// Describes a topic. `None`: the topic does not exist.
    pub fn topic(&self, actual: &str, name: &str) -> Result<Option<Seen>, BusError> {
        let answer = self.client.fetch_metadata(Some(actual), WAIT_TIMEOUT);
        self.poll_events();
        let metadata = answer.map_err(|error| match error.rdkafka_error_code() {
            Some(Code::BrokerTransportFailure | Code::OperationTimedOut | Code::AllBrokersDown) => {
                BusError::Unavailable(self.health.outage())
            }
            _ => about(name, self.health.principal(), &error),
        })?;
        self.health.recovered();
        let Some(topic) = metadata.topics().iter().find(|it| it.name() == actual) else { return Ok(None) };
        match topic.error().map(|code| KafkaError::MetadataFetch(code.into())) {
            Some(error) => match about(name, self.health.principal(), &error) {
                BusError::UnknownTopic(_) => Ok(None),
                other => Err(other),
            },
            None => Ok(Some(Seen {
                partitions: i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX),
                copies: topic.partitions().first().map_or(0, |it| i32::try_from(it.replicas().len()).unwrap_or(0)),
                ready: topic.partitions().iter().all(|it| it.leader() >= 0),
            })),
        }
    }

    /// All partitions of these topics.
    pub fn partitions(&self, names: &Names) -> Result<TopicPartitionList, BusError> {
        let mut list = TopicPartitionList::new();
        for (actual, name) in names.iter() {
            let seen = self.topic(actual, name)?.ok_or_else(|| BusError::UnknownTopic(name.to_string()))?;
            for partition in 0..seen.partitions {
                list.add_partition(actual, partition);
            }
        }
        Ok(list)
    }

    /// The first offsets (`Offset::Beginning`) or the end offsets (`Offset::End`) of these partitions.
    pub fn places(&self, of: &TopicPartitionList, which: Offset) -> Result<TopicPartitionList, BusError> {
        if of.count() == 0 {
            return Ok(TopicPartitionList::new());
        }
        let began = Instant::now();
        loop {
            let mut list = TopicPartitionList::new();
            for it in of.elements() {
                let _ = list.add_partition_offset(it.topic(), it.partition(), which); // both are representable
            }
            let answer = self.client.offsets_for_times(list, WAIT_TIMEOUT);
            let answer = answer.and_then(|list| {
                list.elements().iter().try_for_each(TopicPartitionListElem::error)?;
                Ok(list)
            });
            match answer {
                Ok(list) => return Ok(list),
                // The partition is new or has just lost its leader: it gets a leader soon.
                Err(error) if leaderless(&error) && began.elapsed() < WAIT_TIMEOUT => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(error) => return Err(BusError::Unavailable(error.to_string())),
            }
        }
    }

    /// The lag of a group. `here`: the positions of its members in this process, which can be newer than the committed.
    pub fn lag(&self, group: &str, names: &Names, here: &[Position]) -> Result<Vec<Lag>, BusError> {
        let partitions = self.partitions(names)?;
        let committed = self.group(group)?.committed_offsets(partitions.clone(), WAIT_TIMEOUT);
        let committed = committed.map_err(|error| match error.rdkafka_error_code() {
            Some(Code::GroupAuthorizationFailed) => {
                BusError::Refused(format!("{} is not allowed to ask about group {group}", self.health.principal()))
            }
            _ => BusError::Unavailable(error.to_string()),
        })?;
        let begins = offsets(&self.places(&partitions, Offset::Beginning)?, names);
        let ends = offsets(&self.places(&partitions, Offset::End)?, names);
        let mut next = offsets(&committed, names);
        for position in here {
            let known = next.entry(position.partition.clone()).or_insert(position.next);
            *known = position.next.max(*known);
        }
        let lag = |(partition, end): (Partition, i64)| {
            let begin = begins.get(&partition).copied().unwrap_or(0);
            let next = next.get(&partition).copied().unwrap_or(begin).max(begin);
            Lag { partition, records: u64::try_from(end - next).unwrap_or(0) }
        };
        Ok(ends.into_iter().map(lag).collect())
    }

    pub fn close(&self) {
        let groups = std::mem::take(&mut *self.groups.lock().unwrap_or_else(PoisonError::into_inner));
        drop(groups);
    }

    fn group(&self, group: &str) -> Result<Arc<Client>, BusError> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = groups.get(group) {
            while client.poll(Duration::ZERO).is_some() {} // events of this client are ignored
            return Ok(client.clone());
        }
        let config = self.options.group_metadata(group);
        let client: Client =
            config.create_with_context(HealthContext(self.health.clone())).map_err(|error| setup(&error))?;
        let client = Arc::new(client);
        groups.insert(group.to_owned(), client.clone());
        Ok(client)
    }
}

fn leaderless(error: &KafkaError) -> bool {
    use Code::{LeaderNotAvailable, NotLeaderForPartition, UnknownLeaderEpoch, UnknownTopicOrPartition};
    let code = error.rdkafka_error_code();
    let those = [NotLeaderForPartition, LeaderNotAvailable, UnknownTopicOrPartition, UnknownLeaderEpoch];
    code.is_some_and(|code| those.contains(&code))
}

/// The offsets of a list, by the program's topic names.
pub(super) fn offsets(list: &TopicPartitionList, names: &Names) -> BTreeMap<Partition, i64> {
    let known = list.elements().into_iter().filter_map(|it| match it.offset() {
        Offset::Offset(offset) => {
            Some((Partition { topic: names.logical(it.topic()), partition: it.partition() }, offset))
        }
        _ => None,
    });
    known.collect()
}
