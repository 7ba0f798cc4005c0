//! Unavailable brokers.

use std::{path::Path, process::Command, time::Duration};

use bus::{
    BusError,
    kafka::{Kafka, KafkaOptions},
};
use tempfile::TempDir;

use super::{
    Shared, brokers,
    helpers::{commit, create, list, numbered, numbers, publish, take},
    open,
};

/// A Kafka of its own, stopped when dropped.
pub struct Own {
    folder: TempDir,
    pub brokers: String,
}

impl Own {
    pub fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let printed = script("start", folder.path(), arguments);
        Self { brokers: brokers(printed.lines().last().unwrap()), folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn options(&self) -> KafkaOptions {
        KafkaOptions { brokers: self.brokers.clone(), client: "test".to_owned(), ..KafkaOptions::default() }
    }

    fn kill(&self) {
        script("kill", self.path(), &[]);
    }

    fn start_again(&self) {
        script("start", self.path(), &[]);
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        script("stop", self.path(), &[]);
    }
}

fn script(action: &str, folder: &Path, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose/native/kafka");
    let output = Command::new(script).arg(action).arg(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "kafka {action}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn a_killed_broker_is_reported_and_publishing_resumes() {
    let kafka = Own::start(&[]);
    let bus = open(kafka.options()).await;
    let topics = ["a".into()];
    create(&*bus, &topics).await;
    publish(&*bus, numbered(&topics[0], 0..10)).await;
    let mut member = bus.subscribe("g", &topics).await.unwrap();
    let records = take(&mut *member, 10).await;
    commit(&mut *member, &records).await;
    bus.health().await.unwrap();

    kafka.kill();
    let why = loop {
        if let Err(why) = bus.health().await {
            break why;
        }
        tokio::task::yield_now().await;
    };
    assert!(why.contains("no broker of") && why.contains(&kafka.brokers), "{why}");
    // Messages published during the outage arrive afterwards, in order and once.
    let waiting = {
        let bus = bus.clone();
        let batch = numbered(&topics[0], 10..60);
        tokio::spawn(async move { bus.publish(batch).await })
    };
    kafka.start_again();
    let published = waiting.await.unwrap();
    assert!(published.failure.is_none(), "{:?}", published.failure);
    assert_eq!(published.durable, 50);
    // Records committed just before the broker was killed may come again.
    let mut found = vec![];
    while found.len() < 50 {
        found.extend(numbers(&member.next(100).await.unwrap().records));
        found.sort_unstable();
        found.retain(|number| *number >= 10);
    }
    assert_eq!(found, list(10..60));
    while bus.health().await.is_err() {
        tokio::task::yield_now().await;
    }
    bus.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn closing_does_not_wait_for_an_unavailable_broker() {
    let kafka = Own::start(&[]);
    let bus = open(kafka.options()).await;
    let topics = ["a".into()];
    create(&*bus, &topics).await;
    publish(&*bus, numbered(&topics[0], 0..10)).await;
    let mut member = bus.subscribe("g", &topics).await.unwrap();
    take(&mut *member, 10).await;
    kafka.kill();
    let waiting = {
        let (bus, batch) = (bus.clone(), numbered(&topics[0], 10..20));
        tokio::spawn(async move { bus.publish(batch).await })
    };
    tokio::task::yield_now().await;
    bus.close().await; // must be bounded, otherwise this test would not end
    let published = waiting.await.unwrap();
    assert!(matches!(published.failure, Some(BusError::Unavailable(_))), "{:?}", published.failure);
    assert!(member.next(1).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn a_wrong_address_is_reported() {
    let nobody = KafkaOptions { brokers: "127.0.0.1:1".to_owned(), ..KafkaOptions::default() };
    let error = Kafka::open(nobody, Duration::ZERO).await.err().unwrap();
    let why = error.to_string();
    assert!(matches!(error, BusError::Unavailable(_)) && why.contains("127.0.0.1:1"), "{why}");
    assert!(why.contains("Connection refused"), "{why}");

    let empty = Kafka::open(KafkaOptions::default(), Duration::ZERO).await.err().unwrap();
    assert!(matches!(empty, BusError::Setup(_)), "{empty}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn wrong_properties_are_named() {
    let shared = Shared::with(|_| ()).await;
    for (name, value, expected) in
        [("no.such.thing", "1", "no.such.thing"), ("linger.ms", "soon", "linger.ms"), ("acks", "1", "acks")]
    {
        let mut options = shared.options.clone();
        options.properties.insert(name.to_owned(), value.to_owned());
        let error = Kafka::open(options, Duration::ZERO).await.err().unwrap();
        assert!(matches!(&error, BusError::Setup(why) if why.contains(expected)), "{error}");
    }
}
