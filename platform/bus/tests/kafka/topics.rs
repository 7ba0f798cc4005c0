//! Topics: their names, and how they are planned and created.

use std::{sync::Arc, time::Duration};

use bus::{
    BusError, TopicSpec,
    topics::{Change, apply, check, plan},
};

use super::{
    Shared,
    helpers::{list, numbered, publish, sorted, take},
    open,
    suite::Stage,
};

fn spec(name: &Arc<str>, partitions: i32) -> TopicSpec {
    TopicSpec { name: name.clone(), partitions, compacted: false, retention: Some(Duration::from_hours(24)) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn a_plan_lists_differences_and_applying_it_removes_them() {
    let stage = Shared::with(|options| options.replication = 1).await;
    let (bus, one, two) = (stage.bus(), stage.name("one"), stage.name("two"));
    let mut wanted = vec![spec(&one, 2), TopicSpec { compacted: true, retention: None, ..spec(&two, 3) }];
    let first = plan(&*bus, &wanted, 1).await.unwrap();
    assert_eq!(first.changes, [Change::Create(wanted[0].clone()), Change::Create(wanted[1].clone())]);
    let why = check(&*bus, &wanted).await.unwrap_err().to_string();
    assert!(why.contains(&*one) && why.contains("does not exist"), "{why}");
    apply(&*bus, &first.changes).await.unwrap();
    assert!(plan(&*bus, &wanted, 1).await.unwrap().changes.is_empty());
    check(&*bus, &wanted).await.unwrap();

    let states = bus.topics(&[one.clone(), two.clone(), stage.name("none")]).await.unwrap();
    assert_eq!(states.len(), 2);
    assert_eq!((states[0].partitions, states[0].copies, states[0].compacted), (2, Some(1), Some(false)));
    assert_eq!(states[0].retention, Some(Duration::from_hours(24)));
    assert_eq!((states[1].partitions, states[1].compacted), (3, Some(true)));

    wanted[0].partitions = 5;
    wanted[0].retention = Some(Duration::from_hours(48));
    wanted[1].partitions = 1;
    let why = check(&*bus, &wanted).await.unwrap_err().to_string();
    assert!(why.contains("has 2 partitions and should have 5"), "{why}");
    let second = plan(&*bus, &wanted, 3).await.unwrap();
    assert_eq!(second.changes.len(), 1);
    let said = second.changes[0].to_string();
    assert!(said.contains("5 partitions instead of 2") && said.contains("172800 s instead of 86400 s"), "{said}");
    assert_eq!(second.hopeless.len(), 3, "{:?}", second.hopeless); // fewer partitions, and twice another replication
    apply(&*bus, &second.changes).await.unwrap();
    let states = bus.topics(std::slice::from_ref(&one)).await.unwrap();
    assert_eq!((states[0].partitions, states[0].retention), (5, Some(Duration::from_hours(48))));
    assert_eq!(states[0].compacted, Some(false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn names_in_kafka_are_as_the_options_say() {
    let stage = Shared::new().await;
    let (topic, own) = (stage.name("orders"), stage.name("ours"));
    let mut options = stage.options.clone();
    options.topic_prefix = "shop.".to_owned();
    options.topic_names.insert(topic.to_string(), own.to_string());
    let bus = open(options.clone()).await;
    let topics = [topic.clone()];
    bus.create_topics(&[spec(&topic, 2)]).await.unwrap();
    publish(&*bus, numbered(&topic, 0..10)).await;
    let mut member = bus.subscribe(&stage.name("g"), &topics).await.unwrap();
    let records = take(&mut *member, 10).await;
    assert!(records.iter().all(|it| it.topic == topic));
    let lags = bus.lag(&stage.name("g"), &topics).await.unwrap();
    assert!(lags.iter().all(|it| it.partition.topic == topic) && lags.len() == 2);
    bus.close().await;

    // The full name finds the topic.
    options.topic_prefix.clear();
    options.topic_names.clear();
    let plain = open(options).await;
    let actual: Arc<str> = format!("shop.{own}").into();
    let mut member = plain.subscribe(&stage.name("h"), std::slice::from_ref(&actual)).await.unwrap();
    assert_eq!(sorted(&take(&mut *member, 10).await), list(0..10));
    assert!(plain.topics(&[topic]).await.unwrap().is_empty());
    plain.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn topics_that_are_missing_are_named_and_not_created() {
    let stage = Shared::new().await;
    let (bus, missing) = (stage.bus(), [stage.name("missing")]);
    let named = |error: Option<BusError>| matches!(error, Some(BusError::UnknownTopic(name)) if name == *missing[0]);
    assert!(named(bus.publish(numbered(&missing[0], 0..1)).await.failure));
    assert!(named(bus.subscribe(&stage.name("g"), &missing).await.err()));
    assert!(named(bus.follow(&missing).await.err()));
    assert!(named(bus.lag(&stage.name("g"), &missing).await.err()));
    assert!(bus.topics(&missing).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn messages_before_one_that_is_too_large_are_written() {
    let stage = Shared::new().await;
    let (bus, topics) = (stage.bus(), [stage.name("a")]);
    super::helpers::create(&*bus, &topics).await;
    let large = super::helpers::outgoing(&topics[0], "k", vec![b'x'; 2 << 20]);
    let batch = [numbered(&topics[0], 0..3), vec![large], numbered(&topics[0], 3..5)].concat();
    let published = bus.publish(batch).await;
    assert_eq!(published.durable, 3);
    assert!(matches!(published.failure, Some(BusError::Refused(_))), "{:?}", published.failure);
    assert_eq!(super::helpers::lag(&*bus, &stage.name("g"), &topics).await, 3);
}
