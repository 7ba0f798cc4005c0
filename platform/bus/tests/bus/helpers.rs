//! Helpers shared by the tests.

use std::{collections::BTreeMap, sync::Arc};

use bus::{Bus, Message, Outgoing, Position, Published, Record, Subscription, TopicSpec};
use bytes::Bytes;

pub const PARTITIONS: i32 = 4;

pub async fn create(bus: &dyn Bus, topics: &[Arc<str>]) {
    let specs: Vec<_> = topics
        .iter()
        .map(|name| TopicSpec { name: name.clone(), partitions: PARTITIONS, compacted: false, retention: None })
        .collect();
    bus.create_topics(&specs).await.unwrap();
}

pub fn outgoing(topic: &Arc<str>, key: &str, value: impl Into<Vec<u8>>) -> Outgoing {
    let message = Message { key: Bytes::from(key.to_owned()), headers: Vec::new(), value: Bytes::from(value.into()) };
    Outgoing { topic: topic.clone(), message: Arc::new(message) }
}

/// Messages with these numbers as values; keys `k0` to `k6`.
pub fn numbered(topic: &Arc<str>, numbers: std::ops::Range<usize>) -> Vec<Outgoing> {
    numbers.map(|number| outgoing(topic, &format!("k{}", number % 7), number.to_string())).collect()
}

pub async fn publish(bus: &dyn Bus, batch: Vec<Outgoing>) {
    let count = batch.len();
    let Published { durable, failure } = bus.publish(batch).await;
    assert!(failure.is_none(), "{failure:?}");
    assert_eq!(durable, count);
}

/// Takes exactly `count` records, in as many calls as needed.
pub async fn take(member: &mut dyn Subscription, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    while records.len() < count {
        records.extend(member.next(count - records.len()).await.unwrap().records);
    }
    assert_eq!(records.len(), count);
    records
}

/// Commits these records.
pub async fn commit(member: &mut dyn Subscription, records: &[Record]) {
    let mut last = BTreeMap::new();
    for record in records {
        last.insert(record.partition_of(), record.offset + 1);
    }
    let upto: Vec<_> = last.into_iter().map(|(partition, next)| Position { partition, next }).collect();
    member.commit(&upto).await.unwrap();
}

pub fn text(record: &Record) -> String {
    String::from_utf8(record.message.value.to_vec()).unwrap()
}

pub fn numbers(records: &[Record]) -> Vec<usize> {
    records.iter().map(|record| text(record).parse().unwrap()).collect()
}

pub fn list(numbers: impl IntoIterator<Item = usize>) -> Vec<usize> {
    numbers.into_iter().collect()
}

pub fn sorted(records: &[Record]) -> Vec<usize> {
    let mut numbers = numbers(records);
    numbers.sort_unstable();
    numbers
}

/// Values by key, in the order of arrival.
pub fn by_key(records: &[Record]) -> BTreeMap<Bytes, Vec<String>> {
    let mut keys = BTreeMap::<_, Vec<_>>::new();
    for record in records {
        keys.entry(record.message.key.clone()).or_default().push(text(record));
    }
    keys
}

pub trait PartitionOf {
    fn partition_of(&self) -> bus::Partition;
}

impl PartitionOf for Record {
    fn partition_of(&self) -> bus::Partition {
        bus::Partition { topic: self.topic.clone(), partition: self.partition }
    }
}

pub async fn lag(bus: &dyn Bus, group: &str, topics: &[Arc<str>]) -> u64 {
    bus.lag(group, topics).await.unwrap().iter().map(|it| it.records).sum()
}
