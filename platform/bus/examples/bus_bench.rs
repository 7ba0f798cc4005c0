//! Measures how many records per second a bus appends and delivers, and the CPU time of this process per record.
//! `cargo run --release -p bus --example bus_bench [folder of an embedded log | kafka://host:port]`

use std::{
    error::Error,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use bus::{
    Bus, BusError, Message, Outgoing, Subscription, TopicSpec,
    embedded::{EmbeddedLog, EmbeddedOptions},
    kafka::{Kafka, KafkaOptions},
};
use bytes::Bytes;
use clock::Clock;
use futures_util::future::try_join_all;

const BATCHES: usize = 600;
const BATCH: usize = 500;

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome {
    let place = std::env::args().nth(1).unwrap_or_else(|| std::env::temp_dir().to_string_lossy().into_owned());
    if let Some(brokers) = place.strip_prefix("kafka://") {
        let topic_prefix = format!("bench-{}-", Clock::system().new_id().simple());
        let options = KafkaOptions { brokers: brokers.to_owned(), topic_prefix, ..KafkaOptions::default() };
        return measure(&Kafka::open(options, Duration::from_secs(10)).await?).await;
    }
    let path = PathBuf::from(place).join(format!("bus_bench-{}.db", std::process::id()));
    let log = EmbeddedLog::open(&path, EmbeddedOptions::default(), Clock::system())?;
    let outcome = measure(&log).await;
    for end in ["", "-wal", "-shm", ".lock"] {
        let mut name = path.clone().into_os_string();
        name.push(end);
        let _ = std::fs::remove_file(name); // a missing file is fine
    }
    outcome
}

async fn measure(log: &dyn Bus) -> Outcome {
    let topics: Vec<Arc<str>> = ["a", "b", "c", "d"].map(Arc::from).to_vec();
    let spec = |name: &Arc<str>| TopicSpec { name: name.clone(), partitions: 4, compacted: false, retention: None };
    log.create_topics(&topics.iter().map(spec).collect::<Vec<_>>()).await?;
    let batches: Vec<_> = (0..BATCHES).map(|batch| one_batch(&topics, batch)).collect();
    let bytes: usize = batches[0].iter().map(|it| it.message.size()).sum();
    println!("{} records of {} bytes, in batches of {BATCH}", BATCHES * BATCH, bytes / BATCH);

    let start = Spent::now();
    append(log, &batches).await?;
    say("appended by one publisher", BATCHES * BATCH, start.elapsed());

    let start = Spent::now();
    try_join_all(batches.chunks(BATCHES / 4).map(|part| append(log, part))).await?;
    say("appended by four publishers", BATCHES * BATCH, start.elapsed());

    let alone: Vec<_> = batches[..4].iter().flatten().map(|it| vec![it.clone()]).collect();
    let start = Spent::now();
    append(log, &alone).await?;
    say("appended one by one", alone.len(), start.elapsed());

    let mut member = log.subscribe("g", &topics).await?;
    let behind = 2 * BATCHES * BATCH + alone.len();
    let start = Spent::now();
    take(&mut *member, behind).await?;
    say("taken by who is behind", behind, start.elapsed());

    let mut spent = Spent::default();
    for part in batches.chunks(20) {
        append(log, part).await?;
        let start = Spent::now();
        take(&mut *member, part.len() * BATCH).await?;
        let more = start.elapsed();
        spent = Spent { time: spent.time + more.time, processor: spent.processor + more.processor };
    }
    say("taken by who keeps up", BATCHES * BATCH, spent);

    let start = Spent::now();
    for one in &alone {
        append(log, std::slice::from_ref(one)).await?;
        take(&mut *member, 1).await?;
    }
    say("appended and taken one by one", alone.len(), start.elapsed());
    member.close().await;
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

async fn append(log: &dyn Bus, batches: &[Vec<Outgoing>]) -> Result<(), BusError> {
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

/// Wall-clock time and CPU time of this process.
#[derive(Default, Clone, Copy)]
struct Spent {
    time: Duration,
    processor: Duration,
}

impl Spent {
    fn now() -> Started {
        Started { at: Instant::now(), processor: processor() }
    }
}

struct Started {
    at: Instant,
    processor: Duration,
}

impl Started {
    fn elapsed(&self) -> Spent {
        Spent { time: self.at.elapsed(), processor: processor().saturating_sub(self.processor) }
    }
}

/// CPU time in user and kernel mode, in steps of 10 ms, where the system reports it.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: u64 = fields.skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

#[expect(clippy::cast_precision_loss, reason = "to be read by people")]
fn say(what: &str, records: usize, spent: Spent) {
    let each = |time: Duration| time.as_secs_f64() / records as f64 * 1e6;
    println!("{:>12.0} records/s, {:>7.2} µs of CPU each: {what}", 1e6 / each(spent.time), each(spent.processor));
}
