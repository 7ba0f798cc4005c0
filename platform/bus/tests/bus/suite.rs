//! The conformance suite of the bus port. Every adapter must pass all of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bus::{Bus, BusError, Message, Outgoing, Partition};
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture, future::join_all};

use super::helpers::*;

/// A log under test: a new log, or topics and groups that no other test uses.
pub trait Stage: Send + Sync {
    fn new() -> impl Future<Output = Self> + Send
    where
        Self: Sized;
    fn bus(&self) -> Arc<dyn Bus>;
    /// The name of a topic or group that only this stage uses.
    fn name(&self, name: &str) -> Arc<str>;
    /// Closes the log and opens it again.
    fn reopen(&mut self) -> BoxFuture<'_, ()>;
    /// Simulates a killed process and opens the log again.
    fn crash(&mut self) -> BoxFuture<'_, ()>;
}

pub async fn order_is_kept_within_a_key(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a")]);
    create(&*bus, &topics).await;
    for start in (0..300).step_by(30) {
        publish(&*bus, numbered(&topics[0], start..start + 30)).await;
    }
    let mut member = bus.subscribe(&stage.name("g"), &topics).await.unwrap();
    let records = take(&mut *member, 300).await;
    for (key, values) in by_key(&records) {
        let numbers: Vec<usize> = values.iter().map(|it| it.parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "{key:?}: {numbers:?}");
    }
    assert_eq!(sorted(&records), list(0..300));
    let mut offsets = BTreeMap::<_, Vec<_>>::new();
    for record in &records {
        offsets.entry(record.partition_of()).or_default().push(record.offset);
    }
    assert!(offsets.values().all(|offsets| offsets.is_sorted_by(|a, b| a < b)), "{offsets:?}");
}

pub async fn a_key_stays_in_its_partition(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a")]);
    create(&*bus, &topics).await;
    publish(&*bus, numbered(&topics[0], 0..70)).await;
    let mut member = bus.subscribe(&stage.name("g"), &topics).await.unwrap();
    let mut partitions = BTreeMap::<Bytes, BTreeSet<i32>>::new();
    for record in take(&mut *member, 70).await {
        assert!((0..PARTITIONS).contains(&record.partition));
        partitions.entry(record.message.key.clone()).or_default().insert(record.partition);
    }
    assert!(partitions.values().all(|it| it.len() == 1), "{partitions:?}");
    // The partitions that Kafka's own clients choose.
    let chosen: Vec<i32> = partitions.values().filter_map(|it| it.first().copied()).collect();
    assert_eq!(chosen, KAFKA_CHOOSES);
}

/// The partitions of `k0` to `k6` in a topic with four partitions.
const KAFKA_CHOOSES: [i32; 7] = [1, 1, 1, 0, 0, 0, 1];

pub async fn every_group_gets_every_record(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a")]);
    create(&*bus, &topics).await;
    publish(&*bus, numbered(&topics[0], 0..50)).await;
    let mut one = bus.subscribe(&stage.name("one"), &topics).await.unwrap();
    let mut two = bus.subscribe(&stage.name("two"), &topics).await.unwrap();
    let records = take(&mut *one, 50).await;
    commit(&mut *one, &records).await;
    assert_eq!(sorted(&take(&mut *two, 50).await), list(0..50));
    publish(&*bus, numbered(&topics[0], 50..60)).await;
    assert_eq!(sorted(&take(&mut *one, 10).await), list(50..60));
    assert_eq!(sorted(&take(&mut *two, 10).await), list(50..60));
}

pub async fn a_group_sees_only_its_topics(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a"), stage.name("b"), stage.name("c")]);
    create(&*bus, &topics).await;
    let mixed: Vec<_> = (0..90).map(|n| outgoing(&topics[n % 3], &format!("k{n}"), n.to_string())).collect();
    publish(&*bus, mixed).await;
    let mut member = bus.subscribe(&stage.name("g"), &[topics[0].clone(), topics[2].clone()]).await.unwrap();
    let expected: Vec<_> = (0..90).filter(|n| n % 3 != 1).collect();
    let records = take(&mut *member, 60).await;
    assert_eq!(sorted(&records), expected);
    assert!(records.iter().all(|it| it.topic != topics[1]));
}

pub async fn a_new_group_begins_with_the_oldest(mut stage: impl Stage) {
    let topics = [stage.name("a")];
    create(&*stage.bus(), &topics).await;
    publish(&*stage.bus(), numbered(&topics[0], 0..10)).await;
    stage.reopen().await;
    publish(&*stage.bus(), numbered(&topics[0], 10..20)).await;
    let mut member = stage.bus().subscribe(&stage.name("new"), &topics).await.unwrap();
    assert_eq!(sorted(&take(&mut *member, 20).await), list(0..20));
}

pub async fn the_first_take_assigns_all_partitions(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a"), stage.name("b")]);
    create(&*bus, &topics).await;
    let mut member = bus.subscribe(&stage.name("g"), &topics).await.unwrap();
    let mut assigned = BTreeSet::new();
    while assigned.len() < 8 {
        let taken = member.next(10).await.unwrap();
        assert!(taken.records.is_empty() && taken.revoked.is_empty());
        assigned.extend(taken.assigned);
    }
    let expected = topics
        .iter()
        .flat_map(|topic| (0..PARTITIONS).map(move |partition| Partition { topic: topic.clone(), partition }));
    assert_eq!(assigned, expected.collect());
}

pub async fn next_returns_at_most_the_requested_number(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a")]);
    create(&*bus, &topics).await;
    publish(&*bus, numbered(&topics[0], 0..100)).await;
    let mut member = bus.subscribe(&stage.name("g"), &topics).await.unwrap();
    let mut all = Vec::new();
    while all.len() < 100 {
        let records = member.next(7).await.unwrap().records;
        assert!(records.len() <= 7);
        all.extend(records);
    }
    assert_eq!(sorted(&all), list(0..100));
}

pub async fn positions_survive_reopening(mut stage: impl Stage) {
    let (topics, group) = ([stage.name("a")], stage.name("g"));
    create(&*stage.bus(), &topics).await;
    publish(&*stage.bus(), numbered(&topics[0], 0..100)).await;
    let mut member = stage.bus().subscribe(&group, &topics).await.unwrap();
    let dealt = take(&mut *member, 60).await;
    commit(&mut *member, &dealt).await;
    member.close().await;
    stage.reopen().await;
    let mut member = stage.bus().subscribe(&group, &topics).await.unwrap();
    let rest = take(&mut *member, 40).await;
    assert_eq!(sorted(&[dealt, rest].concat()), list(0..100));
}

pub async fn uncommitted_records_are_repeated(mut stage: impl Stage) {
    let (topics, group) = ([stage.name("a")], stage.name("g"));
    create(&*stage.bus(), &topics).await;
    publish(&*stage.bus(), numbered(&topics[0], 0..40)).await;
    let mut member = stage.bus().subscribe(&group, &topics).await.unwrap();
    let first = take(&mut *member, 10).await;
    commit(&mut *member, &first).await;
    take(&mut *member, 30).await;
    member.close().await;
    let mut member = stage.bus().subscribe(&group, &topics).await.unwrap(); // leaves the group and joins again
    let again = take(&mut *member, 30).await;
    assert_eq!(sorted(&[first.clone(), again].concat()), list(0..40));
    drop(member); // without `close`
    stage.reopen().await;
    let mut member = stage.bus().subscribe(&group, &topics).await.unwrap();
    let again = take(&mut *member, 30).await;
    assert_eq!(sorted(&[first, again].concat()), list(0..40));
}

pub async fn partitions_are_committed_independently(mut stage: impl Stage) {
    let (topics, group) = ([stage.name("a")], stage.name("g"));
    create(&*stage.bus(), &topics).await;
    publish(&*stage.bus(), numbered(&topics[0], 0..70)).await;
    let mut member = stage.bus().subscribe(&group, &topics).await.unwrap();
    let records = take(&mut *member, 70).await;
    let chosen = records[0].partition;
    let (dealt, rest): (Vec<_>, Vec<_>) = records.into_iter().partition(|it| it.partition == chosen);
    commit(&mut *member, &dealt).await;
    commit(&mut *member, &rest[..1]).await;
    commit(&mut *member, &dealt[..1]).await; // an earlier position has no effect
    member.close().await;
    stage.reopen().await;
    let mut member = stage.bus().subscribe(&group, &topics).await.unwrap();
    let again = take(&mut *member, rest.len() - 1).await;
    assert_eq!(sorted(&again), sorted(&rest[1..]));
}

pub async fn acknowledged_records_survive_a_crash(mut stage: impl Stage) {
    let (topics, group) = ([stage.name("a")], stage.name("g"));
    create(&*stage.bus(), &topics).await;
    for round in 0..5 {
        publish(&*stage.bus(), numbered(&topics[0], round * 20..round * 20 + 20)).await;
        stage.crash().await;
    }
    let mut member = stage.bus().subscribe(&group, &topics).await.unwrap();
    assert_eq!(sorted(&take(&mut *member, 100).await), list(0..100));
}

pub async fn offsets_go_on_rising_after_reopening(mut stage: impl Stage) {
    let topics = [stage.name("a")];
    create(&*stage.bus(), &topics).await;
    for round in 0..4 {
        publish(&*stage.bus(), vec![outgoing(&topics[0], "k", round.to_string())]).await;
        if round % 2 == 0 { stage.reopen().await } else { stage.crash().await }
    }
    let mut member = stage.bus().subscribe(&stage.name("g"), &topics).await.unwrap();
    let records = take(&mut *member, 4).await;
    assert_eq!(numbers(&records), [0, 1, 2, 3]);
    assert!(records.is_sorted_by(|a, b| a.offset < b.offset));
}

pub async fn followers_receive_only_new_records(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a"), stage.name("b")]);
    create(&*bus, &topics).await;
    publish(&*bus, numbered(&topics[0], 0..10)).await;
    let mut one = bus.follow(&topics[..1]).await.unwrap();
    let mut two = bus.follow(&topics[..1]).await.unwrap();
    publish(&*bus, numbered(&topics[1], 10..20)).await;
    publish(&*bus, numbered(&topics[0], 20..30)).await;
    for follower in [&mut one, &mut two] {
        let mut records = Vec::new();
        while records.len() < 10 {
            records.extend(follower.next().await.unwrap());
        }
        assert_eq!(sorted(&records), list(20..30));
    }
    assert!(one.next().now_or_never().is_none());
}

pub async fn lag_is_exact(stage: impl Stage) {
    let (bus, topics, group) = (stage.bus(), [stage.name("a"), stage.name("b")], stage.name("g"));
    create(&*bus, &topics).await;
    publish(&*bus, numbered(&topics[0], 0..50)).await;
    publish(&*bus, numbered(&topics[1], 50..80)).await;
    let mut member = bus.subscribe(&group, &topics).await.unwrap();
    assert_eq!(lag(&*bus, &group, &topics).await, 80);
    let first = take(&mut *member, 30).await;
    assert_eq!(lag(&*bus, &group, &topics).await, 80, "records that were returned and not committed count as lag");
    commit(&mut *member, &first).await;
    assert_eq!(lag(&*bus, &group, &topics).await, 50);
    publish(&*bus, numbered(&topics[0], 80..90)).await;
    assert_eq!(lag(&*bus, &group, &topics).await, 60);
    let rest = take(&mut *member, 60).await;
    let mut expected = BTreeMap::<Partition, u64>::new();
    for record in &rest {
        *expected.entry(record.partition_of()).or_default() += 1;
    }
    let lags = bus.lag(&group, &topics).await.unwrap();
    let lags: BTreeMap<_, _> =
        lags.into_iter().filter(|it| it.records > 0).map(|it| (it.partition, it.records)).collect();
    assert_eq!(lags, expected);
    commit(&mut *member, &rest).await;
    assert_eq!(lag(&*bus, &group, &topics).await, 0);
}

pub async fn lag_of_a_group_that_never_joined(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a")]);
    create(&*bus, &topics).await;
    publish(&*bus, numbered(&topics[0], 0..25)).await;
    let lags = bus.lag(&stage.name("nobody"), &topics).await.unwrap();
    // The lag is unknown, or covers all records.
    assert!(lags.is_empty() || lags.iter().map(|it| it.records).sum::<u64>() == 25);
}

pub async fn lag_survives_reopening(mut stage: impl Stage) {
    let (topics, group) = ([stage.name("a")], stage.name("g"));
    create(&*stage.bus(), &topics).await;
    publish(&*stage.bus(), numbered(&topics[0], 0..50)).await;
    let mut member = stage.bus().subscribe(&group, &topics).await.unwrap();
    let first = take(&mut *member, 20).await;
    commit(&mut *member, &first).await;
    drop(member);
    stage.reopen().await;
    publish(&*stage.bus(), numbered(&topics[0], 50..55)).await;
    let mut member = stage.bus().subscribe(&group, &topics).await.unwrap();
    assert_eq!(lag(&*stage.bus(), &group, &topics).await, 35);
    let rest = take(&mut *member, 35).await;
    commit(&mut *member, &rest).await;
    assert_eq!(lag(&*stage.bus(), &group, &topics).await, 0);
}

pub async fn unknown_topics_are_named(stage: impl Stage) {
    let (bus, topics, missing) = (stage.bus(), [stage.name("a")], stage.name("missing"));
    create(&*bus, &topics).await;
    let published = bus.publish(vec![outgoing(&missing, "k", "1")]).await;
    assert_eq!(published.durable, 0);
    assert!(matches!(published.failure, Some(BusError::UnknownTopic(name)) if name == *missing));
    publish(&*bus, numbered(&topics[0], 0..1)).await; // other topics still work
}

pub async fn creating_topics_twice_changes_nothing(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a"), stage.name("b")]);
    create(&*bus, &topics[..1]).await;
    publish(&*bus, numbered(&topics[0], 0..10)).await;
    let mut member = bus.subscribe(&stage.name("g"), &topics[..1]).await.unwrap();
    create(&*bus, &topics).await;
    publish(&*bus, numbered(&topics[1], 10..20)).await;
    publish(&*bus, numbered(&topics[0], 20..30)).await;
    assert_eq!(sorted(&take(&mut *member, 20).await), list((0..10).chain(20..30)));
}

pub async fn messages_survive_byte_for_byte(mut stage: impl Stage) {
    let topics = [stage.name("a")];
    create(&*stage.bus(), &topics).await;
    let header = |name: &'static str, value: &'static [u8]| (name.into(), Bytes::from_static(value));
    let messages = [
        Message { key: Bytes::from_static(b"k"), headers: vec![], value: Bytes::new() },
        Message::default(),
        Message {
            key: Bytes::from_static(&[0, 255, 10]),
            headers: vec![header("h", &[0, 255])],
            value: Bytes::from_static(&[0, 159, 146, 150]),
        },
        Message {
            headers: vec![header("twice", b"1"), header("other", b""), header("twice", b"2")],
            ..Message::default()
        },
        Message {
            key: Bytes::from_static(b"k"),
            headers: vec![header("ce_id", b"x"), header("Ünïcode \u{1F980}", b"y")],
            value: Bytes::from_static(b"{}"),
        },
    ];
    let batch = messages.iter().map(|it| Outgoing { topic: topics[0].clone(), message: Arc::new(it.clone()) });
    publish(&*stage.bus(), batch.collect()).await;
    for _ in 0..2 {
        let mut member = stage.bus().subscribe(&stage.name("g"), &topics).await.unwrap();
        let records = take(&mut *member, messages.len()).await;
        for message in &messages {
            assert!(records.iter().any(|record| *record.message == *message), "{message:?}");
        }
        member.close().await;
        stage.reopen().await; // read from the disk this time
    }
}

pub async fn a_large_message(mut stage: impl Stage) {
    let topics = [stage.name("a")];
    create(&*stage.bus(), &topics).await;
    let large: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).take(1_000_000).collect();
    publish(&*stage.bus(), vec![outgoing(&topics[0], "k", large.clone()), outgoing(&topics[0], "k", "small")]).await;
    stage.reopen().await;
    let mut member = stage.bus().subscribe(&stage.name("g"), &topics).await.unwrap();
    let records = take(&mut *member, 2).await;
    assert!(records[0].message.value == large);
    assert_eq!(text(&records[1]), "small");
}

pub async fn a_log_larger_than_the_memory(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a")]);
    create(&*bus, &topics).await;
    let mut slow = bus.subscribe(&stage.name("slow"), &topics).await.unwrap();
    let padding = "x".repeat(1000);
    for start in (0..5000).step_by(100) {
        let batch = (start..start + 100).map(|n| outgoing(&topics[0], &format!("k{n}"), format!("{n:05}{padding}")));
        publish(&*bus, batch.collect()).await;
    }
    let mut records = Vec::new();
    while records.len() < 5000 {
        records.extend(slow.next(333).await.unwrap().records);
    }
    let mut numbers: Vec<usize> = records.iter().map(|it| text(it)[..5].parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, list(0..5000));
}

pub async fn reading_a_range(mut stage: impl Stage) {
    let topics = [stage.name("a"), stage.name("b")];
    create(&*stage.bus(), &topics).await;
    let mixed = (0..200).map(|n| outgoing(&topics[n % 2], &format!("k{}", n % 7), n.to_string()));
    publish(&*stage.bus(), mixed.collect()).await;
    let mut member = stage.bus().subscribe(&stage.name("g"), &topics[..1]).await.unwrap();
    let all = take(&mut *member, 100).await;
    drop(member);
    for _ in 0..2 {
        let bus = stage.bus();
        let mut found = 0;
        for partition in 0..PARTITIONS {
            let expected: Vec<_> = all.iter().filter(|it| it.partition == partition).cloned().collect();
            let partition = Partition { topic: topics[0].clone(), partition };
            assert_eq!(bus.read(&partition, 0, 1000).await.unwrap(), expected);
            found += expected.len();
            if let [_, second, third, ..] = &expected[..] {
                assert_eq!(bus.read(&partition, second.offset, 2).await.unwrap(), [second.clone(), third.clone()]);
                let behind = expected.last().unwrap().offset + 1;
                assert_eq!(bus.read(&partition, behind, 2).await.unwrap(), []);
            }
        }
        assert_eq!(found, 100);
        drop(bus);
        stage.reopen().await;
    }
    let missing = Partition { topic: stage.name("missing"), partition: 0 };
    assert!(matches!(stage.bus().read(&missing, 0, 1).await, Err(BusError::UnknownTopic(_))));
}

pub async fn many_publishers_at_once(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a"), stage.name("b")]);
    create(&*bus, &topics).await;
    let publishers = (0..16).map(|publisher| {
        let (bus, topic) = (bus.clone(), topics[publisher % 2].clone());
        tokio::spawn(async move {
            for round in 0..20 {
                let batch = (0..5).map(|n| outgoing(&topic, &format!("k{publisher}"), (round * 5 + n).to_string()));
                publish(&*bus, batch.collect()).await;
            }
        })
    });
    let publishers = join_all(publishers);
    let mut member = bus.subscribe(&stage.name("g"), &topics).await.unwrap();
    let (done, records) = tokio::join!(publishers, take(&mut *member, 1600));
    for publisher in done {
        publisher.unwrap();
    }
    let keys = by_key(&records);
    assert_eq!(keys.len(), 16);
    let expected: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    assert!(keys.values().all(|values| *values == expected), "{keys:?}");
}

pub async fn dropping_a_waiting_next_loses_nothing(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a")]);
    create(&*bus, &topics).await;
    let mut member = bus.subscribe(&stage.name("g"), &topics).await.unwrap();
    let mut records = Vec::new();
    for number in 0..50 {
        if let Some(taken) = member.next(10).now_or_never() {
            records.extend(taken.unwrap().records);
        }
        publish(&*bus, numbered(&topics[0], number..number + 1)).await;
    }
    records.extend(take(&mut *member, 50 - records.len()).await);
    assert_eq!(sorted(&records), list(0..50));
}

pub async fn a_record_wakes_a_waiting_member(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a")]);
    create(&*bus, &topics).await;
    let mut member = bus.subscribe(&stage.name("g"), &topics).await.unwrap();
    for number in 0..100 {
        let batch = numbered(&topics[0], number..number + 1);
        let (records, ()) = tokio::join!(take(&mut *member, 1), publish(&*bus, batch));
        assert_eq!(numbers(&records), [number]);
    }
}

/// A member that lingers also receives a few records that no others follow.
pub async fn a_member_that_lingers_receives_everything(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a")]);
    create(&*bus, &topics).await;
    let mut member = bus.join(&stage.name("g"), &topics, Duration::from_millis(50)).await.unwrap();
    for few in [0..1, 1..3, 3..7] {
        publish(&*bus, numbered(&topics[0], few.clone())).await;
        assert_eq!(sorted(&take(&mut *member, few.len()).await), list(few));
    }
}

pub async fn publishing_an_empty_batch_succeeds(stage: impl Stage) {
    publish(&*stage.bus(), Vec::new()).await;
    stage.bus().health().await.unwrap();
}

pub async fn a_closed_bus_reports_that_it_is_closed(stage: impl Stage) {
    let (bus, topics) = (stage.bus(), [stage.name("a")]);
    create(&*bus, &topics).await;
    let mut member = bus.subscribe(&stage.name("g"), &topics).await.unwrap();
    publish(&*bus, numbered(&topics[0], 0..1)).await;
    let records = take(&mut *member, 1).await;
    commit(&mut *member, &records).await;
    // A member waits while the log is closed.
    let waiting = tokio::spawn(async move { member.next(1).await.err().map(|error| error.to_string()) });
    bus.close().await;
    assert!(waiting.await.unwrap().is_some());
    let published = bus.publish(numbered(&topics[0], 1..2)).await;
    assert!(matches!((published.durable, published.failure), (0, Some(BusError::Unavailable(_)))));
    assert!(bus.health().await.is_err());
}

/// Lists all functions above, for a macro that turns them into tests.
macro_rules! properties {
    ($tests:ident) => {
        $tests! {
            order_is_kept_within_a_key,
            a_key_stays_in_its_partition,
            every_group_gets_every_record,
            a_group_sees_only_its_topics,
            a_new_group_begins_with_the_oldest,
            the_first_take_assigns_all_partitions,
            next_returns_at_most_the_requested_number,
            positions_survive_reopening,
            uncommitted_records_are_repeated,
            partitions_are_committed_independently,
            acknowledged_records_survive_a_crash,
            offsets_go_on_rising_after_reopening,
            followers_receive_only_new_records,
            lag_is_exact,
            lag_of_a_group_that_never_joined,
            lag_survives_reopening,
            unknown_topics_are_named,
            creating_topics_twice_changes_nothing,
            messages_survive_byte_for_byte,
            a_large_message,
            a_log_larger_than_the_memory,
            reading_a_range,
            many_publishers_at_once,
            dropping_a_waiting_next_loses_nothing,
            a_record_wakes_a_waiting_member,
            a_member_that_lingers_receives_everything,
            publishing_an_empty_batch_succeeds,
            a_closed_bus_reports_that_it_is_closed,
        }
    };
}
pub(crate) use properties;
