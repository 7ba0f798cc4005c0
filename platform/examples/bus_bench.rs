//! How many records per second the embedded log appends, hands out from memory and reads from the file.
//! `cargo run --release -p platform --example bus_bench [folder]`

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::try_join_all;
use platform::{
    Clock,
    bus::{
        Bus, BusError, Message, Outgoing, Subscription, TopicSpec,
        embedded::{EmbeddedLog, EmbeddedOptions},
    },
};

const BATCHES: usize = 600;
const BATCH: usize = 500;

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let path = folder.join(format!("bus_bench-{}.db", std::process::id()));
    let outcome = measure(&path).await;
    for end in ["", "-wal", "-shm", ".lock"] {
        let mut name = path.clone().into_os_string();
        name.push(end);
        let _ = std::fs::remove_file(name); // some of them are gone already
    }
    outcome
}

async fn measure(path: &Path) -> Outcome {
    let log = EmbeddedLog::open(path, EmbeddedOptions::default(), Clock::system())?;
    let topics: Vec<Arc<str>> = ["a", "b", "c", "d"].map(Arc::from).to_vec();
    let spec = |name: &Arc<str>| TopicSpec { name: name.clone(), partitions: 4, compacted: false, retention: None };
    log.create_topics(&topics.iter().map(spec).collect::<Vec<_>>()).await?;
    let batches: Vec<_> = (0..BATCHES).map(|batch| one_batch(&topics, batch)).collect();
    let bytes: usize = batches[0].iter().map(|it| it.message.size()).sum();
    println!("{} records of {} bytes, in batches of {BATCH}, with fsync", BATCHES * BATCH, bytes / BATCH);

    let start = Instant::now();
    append(&log, &batches).await?;
    say("appended by one publisher", BATCHES * BATCH, start.elapsed());

    let start = Instant::now();
    try_join_all(batches.chunks(BATCHES / 4).map(|part| append(&log, part))).await?;
    say("appended by four publishers", BATCHES * BATCH, start.elapsed());

    let alone: Vec<_> = batches[..4].iter().flatten().map(|it| vec![it.clone()]).collect();
    let start = Instant::now();
    append(&log, &alone).await?;
    say("appended one by one", alone.len(), start.elapsed());

    let mut member = log.subscribe("g", &topics).await?;
    let behind = 2 * BATCHES * BATCH + alone.len();
    let start = Instant::now();
    take(&mut *member, behind).await?;
    say("taken from the file", behind, start.elapsed());

    let mut spent = Duration::ZERO;
    for part in batches.chunks(20) {
        append(&log, part).await?;
        let start = Instant::now();
        take(&mut *member, part.len() * BATCH).await?;
        spent += start.elapsed();
    }
    say("taken from memory", BATCHES * BATCH, spent);
    drop(member);
    log.close().await;
    Ok(())
}

fn one_batch(topics: &[Arc<str>], batch: usize) -> Vec<Outgoing> {
    let header = |name: &'static str, size: usize| (name.into(), Bytes::from(vec![b'h'; size]));
    let message = |number: usize| Message {
        key: Bytes::from(format!("00000000-0000-7000-8000-{number:012}")),
        headers: vec![
            header("ce_specversion", 3),
            header("ce_id", 36),
            header("ce_type", 15),
            header("ce_source", 14),
            header("ce_time", 27),
            header("ce_subject", 36),
            header("traceparent", 55),
        ],
        value: Bytes::from(vec![b'v'; 410]),
    };
    let outgoing = |number: usize| Outgoing {
        topic: topics[number % topics.len()].clone(),
        message: Arc::new(message(batch * BATCH + number)),
    };
    (0..BATCH).map(outgoing).collect()
}

async fn append(log: &EmbeddedLog, batches: &[Vec<Outgoing>]) -> Result<(), BusError> {
    for batch in batches {
        if let Some(failure) = log.publish(batch.clone()).await.failure {
            return Err(failure);
        }
    }
    Ok(())
}

async fn take(member: &mut dyn Subscription, count: usize) -> Result<(), BusError> {
    let mut taken = 0;
    while taken < count {
        taken += member.next(500).await?.records.len();
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "to be read by people")]
fn say(what: &str, records: usize, time: Duration) {
    println!("{:>12.0} records/s {what}", records as f64 / time.as_secs_f64());
}
