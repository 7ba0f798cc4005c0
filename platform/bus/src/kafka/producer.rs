//! Publishes batches: passes all messages of a batch to librdkafka, then waits for all delivery reports.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    ClientContext, Message as _,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig},
};
use tokio::sync::Notify;
use tracing::warn;

use super::{
    KafkaOptions,
    convert::{about, headers, setup},
    health::{self, Health},
    names,
};
use crate::{BusError, Outgoing, Published};

/// How long `close` waits for the delivery of messages in flight.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(4);

pub(super) struct Producer {
    options: Arc<KafkaOptions>,
    health: Arc<Health>,
    /// Replaced after a fatal error.
    client: RwLock<Arc<Client>>,
    closed: AtomicBool,
}

type Client = BaseProducer<Reports>;

/// The messages of one call of `publish`.
#[derive(Default)]
struct Batch {
    /// Messages without a report yet, plus one while messages are being handed to the library.
    open: AtomicUsize,
    /// The index of the first failed message, and its error.
    failed: Mutex<Option<(usize, BusError)>>,
    done: Notify,
}

impl Batch {
    fn fail(&self, index: usize, error: BusError) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.as_ref().is_none_or(|(first, _)| index < *first) {
            *failed = Some((index, error));
        }
    }

    fn report_one(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
    }
}

/// The delivery context of one message.
struct Sent {
    batch: Arc<Batch>,
    index: usize,
    topic: Arc<str>,
    /// If Kafka refuses the message, the bus remains healthy.
    optional: bool,
}

/// Receives the delivery reports of librdkafka.
struct Reports(Arc<Health>);

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        health::log(level, facility, message);
    }

    fn error(&self, cause: KafkaError, reason: &str) {
        health::error(&self.0, &cause, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Sent>;

    fn delivery(&self, result: &DeliveryResult<'_>, sent: Box<Sent>) {
        match result {
            Ok(_) => {
                self.0.recovered();
                self.0.allow(&sent.topic);
            }
            Err((error, message)) => {
                let forbidden = error.rdkafka_error_code() == Some(RDKafkaErrorCode::TopicAuthorizationFailed);
                let error = about(&sent.topic, self.0.principal(), error);
                match &error {
                    BusError::Refused(_) if forbidden && !sent.optional => {
                        let why =
                            format!("{} is not allowed to write to topic {}", self.0.principal(), message.topic());
                        self.0.refuse(&sent.topic, &why);
                    }
                    BusError::Refused(_) => warn!(topic = message.topic(), %error, "a message is refused"),
                    _ => {}
                }
                sent.batch.fail(sent.index, error);
            }
        }
        sent.batch.report_one();
    }
}

impl Producer {
    pub fn new(options: &Arc<KafkaOptions>, health: &Arc<Health>) -> Result<Self, BusError> {
        let client = client(options, health)?;
        let (options, health) = (options.clone(), health.clone());
        Ok(Self { options, health, client: RwLock::new(client), closed: AtomicBool::new(false) })
    }

    fn client(&self) -> Arc<Client> {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Passes all messages to librdkafka and waits for the report of each. The acknowledged prefix ends at the first
    /// failed message. Later messages may be durable or not.
    pub async fn publish(&self, messages: &[Outgoing]) -> Published {
        let client = self.client();
        let batch = Arc::new(Batch { open: AtomicUsize::new(1), ..Batch::default() });
        let mut name: (Option<&Arc<str>>, String) = (None, String::new());
        for (index, outgoing) in messages.iter().enumerate() {
            if name.0 != Some(&outgoing.topic) {
                name = (Some(&outgoing.topic), names::actual(&self.options, &outgoing.topic));
            }
            batch.open.fetch_add(1, Ordering::AcqRel);
            let optional = self.options.optional_topics.contains(&*outgoing.topic);
            let sent = Box::new(Sent { batch: batch.clone(), index, topic: outgoing.topic.clone(), optional });
            if let Err(error) = self.send(&client, &name.1, outgoing, sent).await {
                batch.fail(index, about(&outgoing.topic, self.health.principal(), &error));
                batch.report_one();
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                    self.replace(&client);
                }
                break;
            }
        }
        batch.report_one();
        while batch.open.load(Ordering::Acquire) > 0 {
            batch.done.notified().await;
        }
        let failed = batch.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        match failed {
            Some((durable, failure)) => Published { durable, failure: Some(failure) },
            None => Published { durable: messages.len(), failure: None },
        }
    }

    async fn send(&self, client: &Client, topic: &str, it: &Outgoing, sent: Box<Sent>) -> Result<(), KafkaError> {
        let message = &*it.message;
        let mut record = BaseRecord::with_opaque_to(topic, sent).key(&*message.key);
        record.payload = (!message.value.is_empty()).then_some(&*message.value); // none: a tombstone for compaction
        record.headers = headers(message);
        loop {
            match client.send::<[u8], [u8]>(record) {
                Ok(()) => return Ok(()),
                Err((error, same)) => {
                    let full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
                    if !full || self.closed.load(Ordering::Relaxed) {
                        return Err(error);
                    }
                    record = same;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }

    /// Replaces a client after a fatal error. Its unsent messages are reported as failed.
    fn replace(&self, broken: &Arc<Client>) {
        let mut current = self.client.write().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, broken) {
            let why = broken.client().fatal_error().map_or_else(String::new, |(_, why)| why);
            warn!("the Kafka producer has failed and is replaced: {why}");
            match client(&self.options, &self.health) {
                Ok(new) => {
                    broken.purge(PurgeConfig::default().queue().inflight());
                    *current = new;
                }
                Err(error) => warn!(%error, "the Kafka producer cannot be replaced now"),
            }
        }
    }

    /// Waits up to `FLUSH_TIMEOUT` for messages in flight, then discards the rest.
    pub async fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        let client = self.client();
        let closing = move || {
            if client.flush(FLUSH_TIMEOUT).is_err() {
                warn!(
                    "Kafka has not acknowledged all messages in time; the rest is published again after the next start"
                );
                client.purge(PurgeConfig::default().queue().inflight());
                let _ = client.flush(Duration::from_millis(500)); // so that waiting callers get their reports
            }
        };
        let _ = tokio::task::spawn_blocking(closing).await;
    }
}

/// Creates a client and a thread that polls its reports. The thread ends when all other references are dropped.
fn client(options: &KafkaOptions, health: &Arc<Health>) -> Result<Arc<Client>, BusError> {
    let client: Client =
        options.producer().create_with_context(Reports(health.clone())).map_err(|error| setup(&error))?;
    let client = Arc::new(client);
    let ours = Arc::downgrade(&client);
    let reports = move || {
        while let Some(client) = ours.upgrade() {
            client.poll(Duration::from_millis(200));
        }
    };
    std::thread::Builder::new()
        .name("kafka-publish".into())
        .spawn(reports)
        .map_err(|error| BusError::Setup(format!("no thread for Kafka: {error}")))?;
    Ok(client)
}
