//! The settings that name consumer groups and dead-letter topics reach the running services.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::{path::Path, sync::Arc};

use bus::{
    Bus, Message, Outgoing, Partition,
    embedded::{EmbeddedLog, EmbeddedOptions},
};
use clock::Clock;
use events::{
    envelope,
    service::INVENTORY,
    topic::{ORDERS_IN, dead_letters},
};
use support::Dev;

const GROUP: &str = "stock-group";
const DEAD_LETTERS: &str = "dlq-orders-in";
const SETTINGS: [&str; 4] = ["--set", "bus.groups.inventory=stock-group", "--set", "bus.dead_letter_topic=dlq-{topic}"];

/// The event log of a process that has ended.
fn log(folder: &Path) -> EmbeddedLog {
    EmbeddedLog::open(&folder.join("bus.sqlite"), EmbeddedOptions::default(), Clock::system()).unwrap()
}

/// An `OrderCreated` that cannot be decoded.
fn undecodable() -> Outgoing {
    let id = Clock::system().new_id().to_string();
    let header = |name: &'static str, value: &str| (name.into(), value.to_owned().into());
    let headers = vec![header(envelope::ID, &id), header(envelope::TYPE, "OrderCreated.v1")];
    let message = Message { key: id.into(), headers, value: "no JSON".into() };
    Outgoing { topic: ORDERS_IN.into(), message: Arc::new(message) }
}

/// Number of order records that a group has not processed yet.
async fn lag(log: &EmbeddedLog, group: &str) -> u64 {
    log.lag(group, &[ORDERS_IN.into()]).await.unwrap().iter().map(|partition| partition.records).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_dead_letter_topics_have_the_names_of_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    Dev::start(dir.path(), &SETTINGS).stop(); // creates the topics
    let before = log(dir.path());
    assert_eq!(before.publish(vec![undecodable()]).await.durable, 1);
    before.close().await;
    drop(before);

    let dev = Dev::start(dir.path(), &SETTINGS);
    let is_dead_letter =
        |line: &str| line.starts_with("uzon_dead_letters{") && line.contains(INVENTORY) && line.ends_with(" 1");
    testkit::eventually("the dead letter of inventory", async || {
        dev.get("/metrics").await.1.lines().any(is_dead_letter).then_some(())
    })
    .await;
    assert_eq!(dev.stop().0.code(), Some(0));

    let after = log(dir.path());
    assert_eq!((lag(&after, GROUP).await, lag(&after, INVENTORY).await), (0, 1), "records left to each group");
    let partition = Partition { topic: DEAD_LETTERS.into(), partition: 0 };
    let copies = after.read(&partition, 0, 1_000_000).await.unwrap();
    let groups: Vec<_> = copies.iter().filter_map(|copy| copy.message.header("dlq-group")).collect();
    assert!(groups.contains(&INVENTORY.as_bytes()), "{copies:?}");
    assert!(after.topics(&[dead_letters(ORDERS_IN).into()]).await.unwrap().is_empty(), "the default topic is absent");
    after.close().await;
}
