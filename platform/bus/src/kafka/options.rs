//! How Kafka is reached, and how its clients are set up.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    time::Duration,
};

use rdkafka::ClientConfig;
use secrecy::{ExposeSecret, SecretString};

use crate::BusError;

/// How Kafka is reached, and what things are called there.
#[derive(Debug, Clone, Default)]
pub struct KafkaOptions {
    /// `host:port`, several separated by commas.
    pub brokers: String,
    /// What this program calls itself: seen in the brokers' logs. The names of groups that exist only for reading without one
    /// begin with it, so a program that may use groups of this prefix may do all of it.
    pub client: String,
    /// Before the name of every topic.
    pub topic_prefix: String,
    /// Topics that have another name in Kafka, by the name that the program uses.
    pub topic_names: BTreeMap<String, String>,
    /// Topics, by the program's name, that a process need not be allowed to write to: a refusal does not make the bus
    /// unhealthy.
    pub optional_topics: BTreeSet<String>,
    /// A name that this process keeps over restarts and shares with no other: after a quick restart it keeps its partitions.
    pub instance: Option<String>,
    pub security: KafkaSecurity,
    /// Properties of librdkafka, on top of all others.
    pub properties: BTreeMap<String, String>,
    /// Copies of each partition of the topics that are created. 0: as the brokers are set up.
    pub replication: i32,
}

/// How the brokers know us, and we them. What is `None` is left to librdkafka.
#[derive(Debug, Clone, Default)]
pub struct KafkaSecurity {
    /// `plaintext`, `ssl`, `sasl_plaintext`, `sasl_ssl`
    pub protocol: Option<String>,
    /// `SCRAM-SHA-512`, `SCRAM-SHA-256`, `PLAIN`
    pub mechanism: Option<String>,
    pub user: Option<String>,
    pub password: Option<SecretString>,
    /// Certificates of the authorities that may have signed the brokers' (PEM). `None`: the system's.
    pub ca: Option<PathBuf>,
    /// Our own certificate and its key (PEM).
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub key_password: Option<SecretString>,
}

/// How often partitions are asked about.
pub(super) const METADATA_AGE: &str = "topic.metadata.refresh.interval.ms";

/// What the promises of the bus rest on.
const FIXED: [&str; 8] = [
    "acks",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "group.id",
    "group.protocol",
    "message.timeout.ms",
    "partition.assignment.strategy",
];

impl KafkaOptions {
    pub(super) fn check(&self) -> Result<(), BusError> {
        if let Some(fixed) = self.properties.keys().find(|it| FIXED.contains(&it.as_str())) {
            return Err(BusError::Setup(format!(
                "the property {fixed} cannot be set: what the bus promises rests on it"
            )));
        }
        if self.brokers.split(',').any(|broker| broker.trim().is_empty()) {
            return Err(BusError::Setup(
                "the address of a Kafka broker is empty: expected host:port,host:port".to_owned(),
            ));
        }
        Ok(())
    }

    pub(super) fn producer(&self) -> ClientConfig {
        self.config([
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("linger.ms", "0.5"), // what is published together travels together
            ("compression.type", "lz4"),
            ("message.timeout.ms", "0"), // what would come after a gap must not be sent
            ("partitioner", "murmur2_random"),
            ("message.max.bytes", "1048588"), // as much as brokers take
            ("queue.buffering.max.messages", "1000000"),
        ])
    }

    pub(super) fn member(&self, group: &str, linger: Duration) -> ClientConfig {
        let mut config = self.config([
            ("group.id", group),
            ("enable.auto.offset.store", "false"), // what is stored is dealt with
            ("enable.auto.commit", "true"),        // what is stored
            ("auto.commit.interval.ms", "250"),
            ("auto.offset.reset", "earliest"),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("session.timeout.ms", "10000"),
            ("heartbeat.interval.ms", "1000"),
        ]);
        reading(&mut config);
        if !linger.is_zero() {
            // Each answer costs the broker as much as a hundred records in it.
            config.set("fetch.min.bytes", "262144").set("fetch.wait.max.ms", linger.as_millis().to_string());
        }
        if let Some(instance) = &self.instance {
            config.set("group.instance.id", instance);
        }
        self.own(config)
    }

    /// For reading without a group. (The library wants the name of one all the same, and does nothing with it.)
    pub(super) fn reader(&self) -> ClientConfig {
        let mut config = self.config([
            ("group.id", &*format!("{}-reader", self.client)),
            ("enable.auto.offset.store", "false"),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "earliest"),
        ]);
        reading(&mut config);
        self.own(config)
    }

    /// For questions about a group that it is no member of.
    pub(super) fn asks_about(&self, group: &str) -> ClientConfig {
        self.config([("group.id", group), ("enable.auto.commit", "false"), ("isolation.level", "read_committed")])
    }

    /// For questions.
    pub(super) fn metadata(&self) -> ClientConfig {
        self.config([("allow.auto.create.topics", "false"), ("isolation.level", "read_committed")])
    }

    fn config<const N: usize>(&self, properties: [(&str, &str); N]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("client.id", &self.client);
        config.set("socket.keepalive.enable", "true").set("socket.nagle.disable", "true");
        config.set("reconnect.backoff.max.ms", "1000"); // back within a second of the broker
        config.set(METADATA_AGE, "15000"); // new partitions are noticed
        self.security.set(&mut config);
        for (name, value) in properties {
            config.set(name, value);
        }
        self.own(config)
    }

    fn own(&self, mut config: ClientConfig) -> ClientConfig {
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config
    }
}

fn reading(config: &mut ClientConfig) {
    config.set("isolation.level", "read_committed").set("allow.auto.create.topics", "false");
    config.set("fetch.queue.backoff.ms", "5"); // or reading stands still for a second now and then
    // How much is fetched ahead: bounded, for there are several consumers in a process.
    config.set("queued.min.messages", "20000").set("queued.max.messages.kbytes", "16384");
}

impl KafkaSecurity {
    fn set(&self, config: &mut ClientConfig) {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|it| it.to_string_lossy().into_owned());
        let secret = |secret: &Option<SecretString>| secret.as_ref().map(|it| it.expose_secret().to_owned());
        let tls = self.protocol.as_deref().is_some_and(|it| it.to_lowercase().ends_with("ssl"));
        // OpenSSL that is built along does not know where the system keeps its certificates.
        let ca = path(&self.ca).or_else(|| tls.then(|| "probe".to_owned()));
        let properties = [
            ("security.protocol", self.protocol.clone()),
            ("sasl.mechanisms", self.mechanism.clone()),
            ("sasl.username", self.user.clone()),
            ("sasl.password", secret(&self.password)),
            ("ssl.ca.location", ca),
            ("ssl.certificate.location", path(&self.certificate)),
            ("ssl.key.location", path(&self.key)),
            ("ssl.key.password", secret(&self.key_password)),
        ];
        for (name, value) in properties {
            if let Some(value) = value {
                config.set(name, value);
            }
        }
    }

    /// Who we are, for messages.
    pub(super) fn who(&self) -> impl fmt::Display {
        self.user.as_ref().map_or_else(|| "this program".to_owned(), |user| format!("user {user}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_for_who_lingers_the_broker_waits() {
        let options = KafkaOptions { brokers: "localhost:1".to_owned(), ..KafkaOptions::default() };
        let waits = |linger| options.member("g", linger).get("fetch.wait.max.ms").map(str::to_owned);
        assert_eq!(waits(Duration::from_millis(50)).as_deref(), Some("50"));
        assert_eq!(options.member("g", Duration::from_millis(50)).get("fetch.min.bytes"), Some("262144"));
        assert_eq!(waits(Duration::ZERO), None);
    }
}
