//! Questions to the brokers: which topics there are, where partitions begin and end, how far a group is. The library waits
//! for the answers in its caller's thread, so all of this is called in threads that may wait.

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
    health::{Health, Listens},
    names::Names,
};
use crate::{BusError, Lag, Partition, Position};

const WAIT_TIMEOUT: Duration = Duration::from_secs(5);

type Client = BaseConsumer<Listens>;

pub(super) struct MetadataClient {
    options: Arc<KafkaOptions>,
    health: Arc<Health>,
    client: Client,
    /// One for each group whose positions have been asked for.
    groups: Mutex<HashMap<String, Arc<Client>>>,
}

/// A topic as metadata tell.
pub(super) struct Seen {
    pub partitions: i32,
    pub copies: i32,
    /// Every partition has somebody to ask.
    pub ready: bool,
}

impl MetadataClient {
    pub fn new(options: &Arc<KafkaOptions>, health: &Arc<Health>) -> Result<Self, BusError> {
        let client = options.metadata().create_with_context(Listens(health.clone())).map_err(|error| setup(&error))?;
        Ok(Self { options: options.clone(), health: health.clone(), client, groups: Mutex::default() })
    }

    /// Whether anybody answers.
    pub fn probe(&self, wait: Duration) -> Result<(), String> {
        // A name that no topic can have: the shortest question there is.
        let answer = self.client.fetch_metadata(Some("."), wait);
        self.listen();
        match answer {
            Ok(_) => {
                self.health.well();
                Ok(())
            }
            Err(_) => Err(self.health.away()),
        }
    }

    /// Lets the library say what is on its mind.
    pub fn listen(&self) {
        for _ in 0..100 {
            if self.client.poll(Duration::ZERO).is_none() {
                break;
            }
        }
    }

    /// `None`: it does not exist.
    pub fn topic(&self, actual: &str, name: &str) -> Result<Option<Seen>, BusError> {
        let answer = self.client.fetch_metadata(Some(actual), WAIT_TIMEOUT);
        self.listen();
        let metadata = answer.map_err(|error| match error.rdkafka_error_code() {
            Some(Code::BrokerTransportFailure | Code::OperationTimedOut | Code::AllBrokersDown) => {
                BusError::Unavailable(self.health.away())
            }
            _ => about(name, self.health.who(), &error),
        })?;
        self.health.well_again();
        let Some(topic) = metadata.topics().iter().find(|it| it.name() == actual) else { return Ok(None) };
        match topic.error().map(|code| KafkaError::MetadataFetch(code.into())) {
            Some(error) => match about(name, self.health.who(), &error) {
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

    /// Every partition of these topics.
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

    /// Where these partitions begin (`Offset::Beginning`) or end (`Offset::End`).
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
                // A partition that was just created, or has just lost its leader: it is found in a moment.
                Err(error) if leaderless(&error) && began.elapsed() < WAIT_TIMEOUT => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(error) => return Err(BusError::Unavailable(error.to_string())),
            }
        }
    }

    /// How far behind a group is. `here`: what its members in this process know already.
    pub fn lag(&self, group: &str, names: &Names, here: &[Position]) -> Result<Vec<Lag>, BusError> {
        let partitions = self.partitions(names)?;
        let committed = self.group(group)?.committed_offsets(partitions.clone(), WAIT_TIMEOUT);
        let committed = committed.map_err(|error| match error.rdkafka_error_code() {
            Some(Code::GroupAuthorizationFailed) => {
                BusError::Refused(format!("{} is not allowed to ask about group {group}", self.health.who()))
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
            while client.poll(Duration::ZERO).is_some() {} // what it has to say is of no interest
            return Ok(client.clone());
        }
        let config = self.options.asks_about(group);
        let client: Client = config.create_with_context(Listens(self.health.clone())).map_err(|error| setup(&error))?;
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

/// The places in a list, by our names.
pub(super) fn offsets(list: &TopicPartitionList, names: &Names) -> BTreeMap<Partition, i64> {
    let known = list.elements().into_iter().filter_map(|it| match it.offset() {
        Offset::Offset(offset) => {
            Some((Partition { topic: names.logical(it.topic()), partition: it.partition() }, offset))
        }
        _ => None,
    });
    known.collect()
}
