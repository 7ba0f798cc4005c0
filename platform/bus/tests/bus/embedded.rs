//! The guarantees of the embedded log beyond the port.

use std::{path::Path, sync::Arc, time::Duration};

use bus::{
    Bus, BusError, Partition, TopicSpec,
    embedded::{EmbeddedLog, EmbeddedOptions},
};
use chrono::{DateTime, TimeDelta};
use clock::Clock;

use super::{Embedded, helpers::*, suite::Stage};

fn refused(path: &Path) -> String {
    match EmbeddedLog::open(path, Embedded::options(), Clock::system()) {
        Err(BusError::Setup(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn causes_come_before_effects_across_topics() {
    let stage = Embedded::new().await;
    let (bus, topics) = (stage.bus(), ["a".into(), "b".into(), "c".into()]);
    create(&*bus, &topics).await;
    for number in 0..300 {
        let batch = vec![outgoing(&topics[number % 3], &format!("k{number}"), number.to_string())];
        publish(&*bus, batch).await;
    }
    let mut member = bus.subscribe("g", &topics).await.unwrap();
    assert_eq!(numbers(&take(&mut *member, 300).await), list(0..300));
}

/// Holds for reads from the file (the memory is smaller than the log) and from memory.
#[tokio::test]
async fn next_reports_whether_more_records_exist() {
    let stage = Embedded::new().await;
    let (bus, topics) = (stage.bus(), ["a".into()]);
    create(&*bus, &topics).await;
    for number in 0..60 {
        publish(&*bus, vec![outgoing(&topics[0], "k", format!("{number}{}", "x".repeat(4000)))]).await;
    }
    let mut member = bus.subscribe("g", &topics).await.unwrap();
    let mut taken = 0;
    while taken < 60 {
        let some = member.next(7).await.unwrap();
        taken += some.records.len();
        assert_eq!(some.more, taken < 60, "after {taken}");
    }
}

#[tokio::test]
async fn a_second_log_on_the_same_file_is_refused_until_the_first_is_closed() {
    let stage = Embedded::new().await;
    let why = refused(&stage.path());
    assert!(why.contains("events.db") && why.contains("another process"), "{why}");
    stage.bus.close().await;
    EmbeddedLog::open(&stage.path(), Embedded::options(), Clock::system()).unwrap();
}

#[tokio::test]
async fn a_group_has_one_member() {
    let stage = Embedded::new().await;
    let (bus, topics) = (stage.bus(), ["a".into()]);
    create(&*bus, &topics).await;
    let member = bus.subscribe("g", &topics).await.unwrap();
    let why = bus.subscribe("g", &topics).await.err().unwrap().to_string();
    assert!(why.contains("one member"), "{why}");
    member.close().await;
    bus.subscribe("g", &topics).await.unwrap();
}

#[test]
fn a_file_that_is_no_log_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    std::fs::write(&path, "Dear diary, ".repeat(1000)).unwrap();
    assert!(refused(&path).contains("x.db"));

    let path = folder.path().join("other.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE batches (x)").unwrap();
    let why = refused(&path);
    assert!(why.contains("other.db") && why.contains("something else"), "{why}");

    let path = folder.path().join("missing/folder.db");
    assert!(refused(&path).contains("missing/folder.db"));
    assert!(refused(folder.path()).contains(&*folder.path().to_string_lossy()));
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_named() {
    let stage = Embedded::new().await;
    stage.bus.close().await;
    rusqlite::Connection::open(stage.path()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let why = refused(&stage.path());
    assert!(why.contains("format 99"), "{why}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Embedded::new().await;
    for entry in std::fs::read_dir(stage.folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
    }
}

#[tokio::test]
async fn a_publish_with_an_unknown_topic_writes_nothing() {
    let stage = Embedded::new().await;
    let (bus, topics) = (stage.bus(), ["a".into()]);
    create(&*bus, &topics).await;
    let published = bus.publish(vec![outgoing(&topics[0], "k", "1"), outgoing(&"missing".into(), "k", "2")]).await;
    assert!(matches!((published.durable, published.failure), (0, Some(BusError::UnknownTopic(_)))));
    assert_eq!(lag(&*bus, "g", &topics).await, 0);
}

#[tokio::test]
async fn messages_before_one_that_is_too_large_are_written() {
    let stage = Embedded::new().await;
    let (bus, topics) = (stage.bus(), ["a".into()]);
    create(&*bus, &topics).await;
    let batch = vec![
        outgoing(&topics[0], "k", "1"),
        outgoing(&topics[0], "k", vec![0; (16 << 20) + 1]),
        outgoing(&topics[0], "k", "3"),
    ];
    let published = bus.publish(batch).await;
    assert!(matches!((published.durable, published.failure), (1, Some(BusError::Refused(_)))));
    let mut member = bus.subscribe("g", &topics).await.unwrap();
    assert_eq!(numbers(&take(&mut *member, 1).await), [1]);
    assert_eq!(lag(&*bus, "g", &topics).await, 1);
}

#[tokio::test]
async fn a_follower_that_is_too_slow_gets_an_error_and_continues() {
    let stage = Embedded::new().await;
    let (bus, topics) = (stage.bus(), ["a".into()]);
    create(&*bus, &topics).await;
    let mut follower = bus.follow(&topics).await.unwrap();
    for _ in 0..3 {
        publish(&*bus, vec![outgoing(&topics[0], "k", vec![0; 60 << 10])]).await; // the memory holds 64 KiB
    }
    assert!(matches!(follower.next().await, Err(BusError::Unavailable(_))));
    publish(&*bus, vec![outgoing(&topics[0], "k", "new")]).await;
    assert_eq!(text(&follower.next().await.unwrap()[0]), "new");
}

#[tokio::test]
async fn committed_positions_reach_the_file_without_close() {
    let mut stage = Embedded::new().await;
    let topics = ["a".into()];
    create(&*stage.bus(), &topics).await;
    publish(&*stage.bus(), numbered(&topics[0], 0..10)).await;
    let mut member = stage.bus().subscribe("g", &topics).await.unwrap();
    let records = take(&mut *member, 10).await;
    commit(&mut *member, &records).await;
    let file = rusqlite::Connection::open(stage.path()).unwrap();
    let known = || file.query_row("SELECT count(*) FROM positions WHERE next = 10", (), |row| row.get::<_, i64>(0));
    while known().unwrap() < 4 {
        tokio::task::yield_now().await; // at most a quarter of a second of the clock
    }
    stage.crash().await;
    assert_eq!(lag(&*stage.bus(), "g", &topics).await, 0);
}

/// A log with a clock that the test sets.
struct Aged {
    stage: Embedded,
    log: Arc<EmbeddedLog>,
    clock: clock::ManualClock,
}

impl Aged {
    async fn new() -> Self {
        let stage = Embedded::new().await;
        let (clock, manual) = Clock::manual(DateTime::UNIX_EPOCH, 1);
        let options = EmbeddedOptions { retention: Some(Duration::from_hours(1)), ..Embedded::options() };
        let log = EmbeddedLog::open(&stage.folder.path().join("aged.db"), options, clock).unwrap();
        let topic = |name: &str, compacted| TopicSpec { name: name.into(), partitions: 1, compacted, retention: None };
        log.create_topics(&[topic("plain", false), topic("compacted", true)]).await.unwrap();
        Self { stage, log: Arc::new(log), clock: manual }
    }

    /// Makes everything published so far old, so that it is pruned.
    async fn forget(&self) {
        self.idle().await;
        self.clock.advance(TimeDelta::hours(2));
        for _ in 0..2 {
            publish(&*self.log, vec![outgoing(&"plain".into(), "k", "new")]).await; // pruning follows an append
        }
        self.idle().await;
    }

    /// Waits until the writer is idle: it prunes after its answer, before it takes the next request.
    async fn idle(&self) {
        self.log.create_topics(&[]).await.unwrap();
    }

    async fn read(&self, topic: &str) -> Vec<String> {
        let partition = Partition { topic: topic.into(), partition: 0 };
        self.log.read(&partition, 0, 1000).await.unwrap().iter().map(text).collect()
    }
}

#[tokio::test]
async fn old_records_are_removed_and_numbers_continue() {
    let aged = Aged::new().await;
    let plain = "plain".into();
    publish(&*aged.log, numbered(&plain, 0..10)).await;
    let topics = [plain];
    assert_eq!(lag(&*aged.log, "g", &topics).await, 10);
    let mut member = aged.log.subscribe("g", &topics).await.unwrap();
    assert_eq!(lag(&*aged.log, "g", &topics).await, 10);
    // More records than the memory holds, so that the file is read.
    publish(&*aged.log, vec![outgoing(&topics[0], "k", vec![b'x'; 100 << 10])]).await;
    aged.forget().await;
    publish(&*aged.log, vec![outgoing(&topics[0], "k", vec![b'x'; 100 << 10])]).await;
    assert_eq!(lag(&*aged.log, "g", &topics).await, 3, "retention does not wait for a slow group");
    let records = take(&mut *member, 3).await;
    assert_eq!(records.iter().map(|it| it.offset).collect::<Vec<_>>(), [11, 12, 13]);
    commit(&mut *member, &records).await;
    assert_eq!(lag(&*aged.log, "g", &topics).await, 0);
}

#[tokio::test]
async fn a_compacted_topic_keeps_the_last_record_of_each_key() {
    let aged = Aged::new().await;
    let (plain, compacted): (Arc<str>, Arc<str>) = ("plain".into(), "compacted".into());
    let batch = [("a", "a1"), ("b", "b1"), ("a", "a2"), ("c", "c1")];
    publish(&*aged.log, batch.iter().map(|(key, value)| outgoing(&compacted, key, *value)).collect()).await;
    publish(&*aged.log, vec![outgoing(&plain, "k", vec![b'x'; 100 << 10])]).await;
    aged.forget().await;
    publish(&*aged.log, vec![outgoing(&compacted, "b", "b2"), outgoing(&plain, "k", vec![b'x'; 100 << 10])]).await;
    aged.forget().await;
    assert_eq!(aged.read("compacted").await, ["a2", "c1", "b2"]);
    let mut member = aged.log.subscribe("g", &[compacted]).await.unwrap();
    let records = take(&mut *member, 3).await;
    assert_eq!(records.iter().map(|it| it.offset).collect::<Vec<_>>(), [2, 3, 7], "offsets do not change");
    drop(aged.stage);
}
