//! Groups with several members.

use std::{collections::BTreeSet, sync::Arc};

use bus::{Bus, Partition, Position, Record, Subscription, TopicSpec};

use super::{
    Shared,
    helpers::{PARTITIONS, PartitionOf, commit, create, lag, list, numbered, numbers, outgoing, publish, sorted, take},
    open,
    suite::Stage,
};

/// A member, its partitions and its records.
struct Member {
    subscription: Box<dyn Subscription>,
    owns: BTreeSet<Partition>,
    records: Vec<Record>,
}

impl Member {
    async fn join(bus: &dyn Bus, group: &str, topic: &Arc<str>) -> Self {
        let subscription = bus.subscribe(group, std::slice::from_ref(topic)).await.unwrap();
        Self { subscription, owns: BTreeSet::new(), records: Vec::new() }
    }

    /// Takes once. Asserts that every record belongs to an assigned partition.
    async fn take(&mut self) {
        let taken = self.subscription.next(100).await.unwrap();
        for partition in taken.revoked {
            assert!(self.owns.remove(&partition), "{partition:?} was not ours");
        }
        self.owns.extend(taken.assigned);
        assert!(taken.records.iter().all(|it| self.owns.contains(&it.partition_of())));
        self.records.extend(taken.records);
    }

    async fn until_it_owns(&mut self, count: usize) {
        while self.owns.len() != count {
            self.take().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn partitions_are_shared_and_come_back() {
    let stage = Shared::new().await;
    let (bus, topic, group) = (stage.bus(), stage.name("a"), stage.name("g"));
    create(&*bus, std::slice::from_ref(&topic)).await;
    let mut one = Member::join(&*bus, &group, &topic).await;
    one.until_it_owns(4).await;
    let another = open(stage.options.clone()).await;
    let mut two = Member::join(&*another, &group, &topic).await;
    tokio::join!(one.until_it_owns(2), two.until_it_owns(2));
    assert!(one.owns.is_disjoint(&two.owns));

    publish(&*bus, (0..100).map(|n| outgoing(&topic, &format!("k{n}"), n.to_string())).collect()).await;
    while one.records.len() + two.records.len() < 100 {
        tokio::select! { () = one.take() => {} () = two.take() => {} }
    }
    assert_eq!(sorted(&[one.records.clone(), two.records.clone()].concat()), list(0..100));

    // The second member leaves after it has committed all of its records. The first has committed none.
    commit(&mut *two.subscription, &two.records).await;
    two.subscription.close().await;
    one.until_it_owns(4).await;
    assert_eq!(lag(&*bus, &group, std::slice::from_ref(&topic)).await, one.records.len() as u64);
    publish(&*bus, (100..200).map(|n| outgoing(&topic, &format!("k{n}"), n.to_string())).collect()).await;
    while one.records.len() + two.records.len() < 200 {
        one.take().await;
    }
    assert_eq!(sorted(&[one.records, two.records].concat()), list(0..200), "nothing comes twice, nothing is left out");
    another.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn uncommitted_records_go_to_the_next_member() {
    let stage = Shared::new().await;
    let (bus, topic, group) = (stage.bus(), stage.name("a"), stage.name("g"));
    create(&*bus, std::slice::from_ref(&topic)).await;
    publish(&*bus, numbered(&topic, 0..70)).await;
    let mut one = Member::join(&*bus, &group, &topic).await;
    one.until_it_owns(4).await;
    while one.records.len() < 70 {
        one.take().await;
    }
    let another = open(stage.options.clone()).await;
    let mut two = Member::join(&*another, &group, &topic).await;
    tokio::join!(one.until_it_owns(2), two.until_it_owns(2));
    let given: Vec<_> = one.records.iter().filter(|it| two.owns.contains(&it.partition_of())).cloned().collect();
    // Too late: these partitions are no longer assigned to it.
    commit(&mut *one.subscription, &given).await;
    while two.records.len() < given.len() {
        two.take().await;
    }
    assert_eq!(sorted(&two.records), sorted(&given));
    one.subscription.close().await;
    two.until_it_owns(4).await;
    while two.records.len() < 70 {
        two.take().await;
    }
    assert_eq!(sorted(&two.records), list(0..70));
    another.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn a_member_that_returns_with_its_instance_name_causes_no_rebalance() {
    let stage = Shared::new().await;
    let (topic, group) = (stage.name("a"), stage.name("g"));
    create(&*stage.bus(), std::slice::from_ref(&topic)).await;
    let named = |name: &str| {
        let mut options = stage.options.clone();
        options.instance = Some(name.to_owned());
        options
    };
    let first = open(named("one")).await;
    let mut one = Member::join(&*first, &group, &topic).await;
    one.until_it_owns(4).await;
    let second = open(named("two")).await;
    let mut two = Member::join(&*second, &group, &topic).await;
    tokio::join!(one.until_it_owns(2), two.until_it_owns(2));
    let before = two.owns.clone();

    second.close().await;
    let second = open(named("two")).await;
    let mut two = Member::join(&*second, &group, &topic).await;
    two.until_it_owns(2).await;
    assert_eq!(two.owns, before);
    publish(&*first, numbered(&topic, 0..70)).await;
    while one.records.len() + two.records.len() < 70 {
        tokio::select! { () = one.take() => {} () = two.take() => {} }
    }
    assert_eq!(one.owns.len(), 2, "the first keeps its partitions");
    first.close().await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn two_members_with_one_instance_name_are_reported_and_both_continue() {
    let stage = Shared::with(|options| options.instance = Some("same".to_owned())).await;
    let (bus, topic, group) = (stage.bus(), stage.name("a"), stage.name("g"));
    create(&*bus, std::slice::from_ref(&topic)).await;
    let mut one = Member::join(&*bus, &group, &topic).await;
    one.until_it_owns(4).await;
    let another = open(stage.options.clone()).await;
    let mut two = Member::join(&*another, &group, &topic).await;
    two.until_it_owns(4).await;
    one.until_it_owns(0).await;
    let (first, second) = (one.until_it_owns(2), two.until_it_owns(2));
    tokio::join!(first, second);
    assert_eq!(bus.health().await, Ok(()), "the bus is healthy again");
    another.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn only_commit_moves_a_position() {
    let mut stage = Shared::new().await;
    let (topics, group) = ([stage.name("a")], stage.name("g"));
    create(&*stage.bus(), &topics).await;
    publish(&*stage.bus(), numbered(&topics[0], 0..50)).await;
    let mut member = stage.bus().subscribe(&group, &topics).await.unwrap();
    let records = take(&mut *member, 50).await;
    // Another call of `next` does not commit the records of the previous one.
    let again = stage.bus();
    assert_eq!(lag(&*again, &group, &topics).await, 50);
    let one = &records[0];
    let position = Position { partition: one.partition_of(), next: one.offset + 1 };
    member.commit(&[position]).await.unwrap();
    member.close().await;
    stage.reopen().await;
    assert_eq!(lag(&*stage.bus(), &group, &topics).await, 49);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn partitions_that_are_added_are_read() {
    let stage = Shared::with(|options| {
        options.properties.insert("topic.metadata.refresh.interval.ms".to_owned(), "500".to_owned());
    })
    .await;
    let (bus, topics, group) = (stage.bus(), [stage.name("a")], stage.name("g"));
    create(&*bus, &topics).await;
    publish(&*bus, numbered(&topics[0], 0..10)).await;
    let mut member = Member::join(&*bus, &group, &topics[0]).await;
    member.until_it_owns(4).await;
    let mut follower = bus.follow(&topics).await.unwrap();
    let spec = TopicSpec { name: topics[0].clone(), partitions: PARTITIONS + 2, compacted: false, retention: None };
    bus.alter_topics(&[spec]).await.unwrap();
    member.until_it_owns(6).await;
    let mut number = 10;
    let new = |records: &[Record]| records.iter().any(|it| it.partition >= PARTITIONS);
    while !new(&member.records) {
        publish(&*bus, vec![outgoing(&topics[0], &format!("key {number}"), number.to_string())]).await;
        number += 1;
        while member.records.len() < number {
            member.take().await;
        }
    }
    assert_eq!(sorted(&member.records), list(0..number));
    let mut seen = Vec::new();
    while seen.len() < number - 10 {
        seen.extend(follower.next().await.unwrap());
    }
    assert_eq!(sorted(&seen), list(10..number));
}

/// A slow member stays in the group, and its buffer is bounded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn a_slow_reader_is_not_flooded_and_loses_nothing() {
    let stage = Shared::new().await;
    let (bus, topic, group) = (stage.bus(), stage.name("a"), stage.name("g"));
    create(&*bus, std::slice::from_ref(&topic)).await;
    for start in (0..20_000).step_by(500) {
        publish(&*bus, numbered(&topic, start..start + 500)).await;
    }
    let mut slow = Member::join(&*bus, &group, &topic).await;
    slow.until_it_owns(4).await;
    // The slow member takes nothing while another member joins, gets partitions and leaves.
    let another = open(stage.options.clone()).await;
    let mut two = Member::join(&*another, &group, &topic).await;
    two.until_it_owns(2).await;
    two.subscription.close().await;
    let mut found = vec![];
    while found.len() < 20_000 {
        slow.take().await;
        found = numbers(&slow.records);
        found.sort_unstable();
        found.dedup(); // records returned before the revocation come again
    }
    another.close().await;
}
