//! The options of the connection to Kafka, and the properties of its clients.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    time::Duration,
};

use rdkafka::ClientConfig;
use secrecy::{ExposeSecret, SecretString};

use crate::BusError;

/// The options of the connection to Kafka.
#[derive(Debug, Clone, Default)]
pub struct KafkaOptions {
    /// `host:port`, several separated by commas.
    pub brokers: String,
    /// `client.id`, as it appears in the brokers' logs. It also prefixes the technical group that librdkafka needs for
    /// reads without a group, so a permission for groups with this prefix covers those reads.
    pub client: String,
    /// The prefix of every topic's name in Kafka.
    pub topic_prefix: String,
    /// Kafka's names of topics, by the program's names, where they differ.
    pub topic_names: BTreeMap<String, String>,
    /// Topics, by the program's names, for which the write permission is optional: without it the bus remains healthy.
    pub optional_topics: BTreeSet<String>,
    /// `group.instance.id`: stable over restarts and unique. After a quick restart the process keeps its partitions.
    pub instance: Option<String>,
    pub security: KafkaSecurity,
    /// Properties of librdkafka. They override all others.
    pub properties: BTreeMap<String, String>,
    /// Replicas of each partition of new topics. 0: the brokers' default.
    pub replication: i32,
}

/// Authentication and encryption. `None`: librdkafka's default.
#[derive(Debug, Clone, Default)]
pub struct KafkaSecurity {
    /// `plaintext`, `ssl`, `sasl_plaintext`, `sasl_ssl`
    pub protocol: Option<String>,
    /// `SCRAM-SHA-512`, `SCRAM-SHA-256`, `PLAIN`
    pub mechanism: Option<String>,
    pub user: Option<String>,
    pub password: Option<SecretString>,
    /// Certificates of the authorities that sign the brokers' certificates (PEM). `None`: the system's authorities.
    pub ca: Option<PathBuf>,
    /// The client's certificate and its key (PEM).
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub key_password: Option<SecretString>,
}

/// The property that sets how often clients query the partitions of topics.
pub(super) const METADATA_AGE: &str = "topic.metadata.refresh.interval.ms";

/// Properties that must not be overridden: the guarantees of the bus depend on them.
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
            ("linger.ms", "0.5"), // messages of a batch are sent in one request
            ("compression.type", "lz4"),
            ("message.timeout.ms", "0"), // a later message must not overtake one that timed out
            ("partitioner", "murmur2_random"),
            ("message.max.bytes", "1048588"), // the brokers' default limit
            ("queue.buffering.max.messages", "1000000"),
        ])
    }

    pub(super) fn member(&self, group: &str, linger: Duration) -> ClientConfig {
        let mut config = self.config([
            ("group.id", group),
            ("enable.auto.offset.store", "false"), // `commit` stores processed positions
            ("enable.auto.commit", "true"),        // commits the stored positions
            ("auto.commit.interval.ms", "250"),
            ("auto.offset.reset", "earliest"),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("session.timeout.ms", "10000"),
            ("heartbeat.interval.ms", "1000"),
        ]);
        reading(&mut config);
        if !linger.is_zero() {
            // Each fetch response costs the broker as much as a hundred records in it.
            config.set("fetch.min.bytes", "262144").set("fetch.wait.max.ms", linger.as_millis().to_string());
        }
        if let Some(instance) = &self.instance {
            config.set("group.instance.id", instance);
        }
        self.own(config)
    }

    /// Configures a reader without a group. librdkafka requires a `group.id` but does not use it here.
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

    /// Configures a client that queries the positions of a group without joining it.
    pub(super) fn group_metadata(&self, group: &str) -> ClientConfig {
        self.config([("group.id", group), ("enable.auto.commit", "false"), ("isolation.level", "read_committed")])
    }

    /// Configures a client for metadata queries.
    pub(super) fn metadata(&self) -> ClientConfig {
        self.config([("allow.auto.create.topics", "false"), ("isolation.level", "read_committed")])
    }

    fn config<const N: usize>(&self, properties: [(&str, &str); N]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("client.id", &self.client);
        config.set("socket.keepalive.enable", "true").set("socket.nagle.disable", "true");
        config.set("reconnect.backoff.max.ms", "1000"); // reconnect within a second after a broker's return
        config.set(METADATA_AGE, "15000"); // detect new partitions
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
    config.set("fetch.queue.backoff.ms", "5"); // the default pauses reading for a second at times
    // Bounds the records fetched in advance, because a process has several consumers.
    config.set("queued.min.messages", "20000").set("queued.max.messages.kbytes", "16384");
}

impl KafkaSecurity {
    fn set(&self, config: &mut ClientConfig) {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|it| it.to_string_lossy().into_owned());
        let secret = |secret: &Option<SecretString>| secret.as_ref().map(|it| it.expose_secret().to_owned());
        let tls = self.protocol.as_deref().is_some_and(|it| it.to_lowercase().ends_with("ssl"));
        // The bundled OpenSSL does not know where the system stores its certificates.
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

    /// The authenticated user, for messages.
    pub(super) fn principal(&self) -> impl fmt::Display {
        self.user.as_ref().map_or_else(|| "this program".to_owned(), |user| format!("user {user}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broker_waits_only_for_members_that_linger() {
        let options = KafkaOptions { brokers: "localhost:1".to_owned(), ..KafkaOptions::default() };
        let waits = |linger| options.member("g", linger).get("fetch.wait.max.ms").map(str::to_owned);
        assert_eq!(waits(Duration::from_millis(50)).as_deref(), Some("50"));
        assert_eq!(options.member("g", Duration::from_millis(50)).get("fetch.min.bytes"), Some("262144"));
        assert_eq!(waits(Duration::ZERO), None);
    }
}
