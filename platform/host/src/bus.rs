//! Opens the bus of a process and checks the topics of the choreography.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use events::choreography;

use ::bus::{
    Bus, BusError, TopicSpec,
    embedded::{EmbeddedLog, EmbeddedOptions},
    kafka::{Kafka, KafkaOptions, KafkaSecurity},
    topics,
};
use clock::Clock;
use saga::DeadLetterTopic;
use settings::{BusUrl, Config};
use telemetry::error_chain;

use crate::{Failure, MissingPolicy, Service};

/// How long a starting process waits for a broker's answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The required state of every topic of the choreography and of its dead-letter topic, by the program's names.
pub fn wanted_topics(config: &Config) -> Vec<TopicSpec> {
    let settings = &config.topics;
    let embedded = config.bus.url.file().is_some();
    let partitions = match settings.partitions {
        0 if embedded => 4,
        0 => 6,
        partitions => i32::try_from(partitions).unwrap_or(i32::MAX),
    };
    let mut wanted = Vec::new();
    for topic in choreography::topics() {
        let retention = (!topic.compacted).then(|| settings.retention.into());
        wanted.push(TopicSpec { name: topic.name.into(), partitions, compacted: topic.compacted, retention });
    }
    let retention = Some(settings.dlq_retention.into());
    let dead_letters = dead_letter_topic(config);
    let names = choreography::topics().iter().map(|topic| dead_letters.of(topic.name).into());
    wanted.extend(names.map(|name| TopicSpec { name, partitions: 1, compacted: false, retention }));
    wanted
}

/// The names of the dead-letter topics.
pub(super) fn dead_letter_topic(config: &Config) -> DeadLetterTopic {
    DeadLetterTopic::new(&config.bus.dead_letter_topic)
}

/// Opens the bus. `client`: the name of this process in the brokers' logs.
pub async fn open_bus(config: &Config, clock: Clock, client: &str) -> Result<Arc<dyn Bus>, Failure> {
    match &config.bus.url {
        BusUrl::Embedded(file) => {
            make_folder_of(file)?;
            let options = EmbeddedOptions { retention: Some(config.topics.retention.into()), ..Default::default() };
            let log = EmbeddedLog::open(file, options, clock);
            Ok(Arc::new(log.map_err(|error| Failure::Unavailable(error_chain(&error)))?))
        }
        BusUrl::Kafka(_) => {
            let kafka = Kafka::open(options(config, client), CONNECT_TIMEOUT).await;
            Ok(Arc::new(kafka.map_err(|error| failed(config, &error))?))
        }
    }
}

/// Checks that the topics of these services exist, and creates them if `missing` says so. In the embedded log it always
/// creates them: the log is for one process, so no other process can do it.
pub(super) async fn ensure_topics(
    config: &Config,
    bus: &dyn Bus,
    services: &[Service],
    missing: MissingPolicy,
) -> Result<(), Failure> {
    let mut wanted = wanted_topics(config);
    if missing == MissingPolicy::Create || config.bus.url.file().is_some() {
        bus.create_topics(&wanted).await.map_err(|error| failed(config, &error))?;
    }
    // Only the topics these services need: a process need not have permissions for others.
    let dead_letters = dead_letter_topic(config);
    let needed: BTreeSet<String> =
        services.iter().flat_map(|service| needed_by(service.name(), &dead_letters)).collect();
    wanted.retain(|topic| needed.contains(&*topic.name));
    topics::check(bus, &wanted).await.map_err(|error| match error {
        BusError::Setup(what) => {
            Failure::Unavailable(format!("bus {}: {what}: run `uzon topics apply`", config.bus.url))
        }
        other => failed(config, &other),
    })
}

/// The topics that a service consumes or publishes, and the dead-letter topics of those it consumes.
fn needed_by(service: &str, dead_letters: &DeadLetterTopic) -> impl Iterator<Item = String> {
    let consumed = choreography::heard_by(service).into_iter();
    let consumed = consumed.flat_map(|(topic, _)| [topic.to_owned(), dead_letters.of(topic)]);
    consumed.chain(choreography::published_by(service).into_iter().map(|(topic, _)| topic.to_owned()))
}

/// The failure for an error of the bus. Names the bus.
pub fn failed(config: &Config, error: &BusError) -> Failure {
    Failure::Unavailable(format!("bus {}: {}", config.bus.url, error_chain(&error)))
}

fn options(config: &Config, client: &str) -> KafkaOptions {
    let bus = &config.bus;
    let security = &bus.security;
    let password = security.protocol.has_password();
    KafkaOptions {
        brokers: match &bus.url {
            BusUrl::Kafka(brokers) => brokers.join(","),
            BusUrl::Embedded(_) => String::new(),
        },
        client: format!("{}{client}", bus.topic_prefix),
        topic_prefix: bus.topic_prefix.clone(),
        topic_names: topic_names(config),
        optional_topics: choreography::topics().iter().map(|topic| dead_letter_topic(config).of(topic.name)).collect(),
        instance: (!bus.instance.is_empty()).then(|| bus.instance.clone()),
        security: KafkaSecurity {
            protocol: Some(security.protocol.as_str().to_owned()),
            mechanism: password.then(|| security.mechanism.as_str().to_owned()),
            user: password.then(|| security.username.clone()),
            password: password.then(|| security.password.clone()),
            ca: security.ca.clone(),
            certificate: security.cert.clone(),
            key: security.key.clone(),
            key_password: None, // `bus.kafka` has a property for it
        },
        properties: bus.kafka.clone(),
        replication: i32::try_from(config.topics.replication).unwrap_or(i32::MAX),
    }
}

/// Kafka's names of topics, where they differ. A dead-letter topic without a name of its own is named after its topic.
fn topic_names(config: &Config) -> BTreeMap<String, String> {
    let (own, dead_letters) = (&config.bus.topics, dead_letter_topic(config));
    let mut names: BTreeMap<_, _> =
        own.iter().map(|(topic, name)| (dead_letters.of(topic), dead_letters.of(name))).collect();
    names.extend(own.clone());
    names
}

fn make_folder_of(file: &Path) -> Result<(), Failure> {
    let made = file.parent().map_or(Ok(()), fs::create_dir_all);
    made.map_err(|error| Failure::Unavailable(format!("there is no folder for {}: {error}", file.display())))
}

/// All files that the configuration names: the embedded log and the SQLite databases of these services.
pub fn files<'a>(config: &Config, services: impl IntoIterator<Item = &'a str>) -> Vec<PathBuf> {
    let databases = services.into_iter().filter_map(|name| config.database_for(name).url.file().map(Path::to_owned));
    config.bus.url.file().map(Path::to_owned).into_iter().chain(databases).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::Loader;

    use crate::topic_settings;

    fn config(settings: &[&str]) -> Config {
        Loader::new().defaults(&topic_settings()).set(settings.iter().copied()).load().expect("a configuration")
    }

    #[test]
    fn dead_letters_follow_the_name_of_their_topic() {
        let names = |settings: &[&str], topic: &str| {
            let options = options(&config(&[&["bus.url=kafka://a:1"], settings].concat()), "test");
            assert!(options.optional_topics.contains(topic));
            options.topic_names[topic].clone()
        };
        assert_eq!(names(&[], "orders-in.DLQ"), "orders-in.DLQ");
        assert_eq!(names(&["bus.topics.orders-in=order-events"], "orders-in.DLQ"), "order-events.DLQ");
        let settings = ["bus.topics.orders-in=orders", "bus.dead_letter_topic=dlq-{topic}"];
        assert_eq!(names(&settings, "dlq-orders-in"), "dlq-orders");
    }

    #[test]
    fn topics_of_dead_letters_are_wanted_by_the_name_of_the_pattern() {
        let wanted = |settings: &[&str]| {
            let topics = wanted_topics(&config(settings)).into_iter();
            topics.filter(|topic| topic.partitions == 1).map(|topic| topic.name.to_string()).collect::<Vec<_>>()
        };
        let by_default = wanted(&[]);
        assert_eq!(by_default.len(), choreography::topics().len());
        assert!(by_default.contains(&"catalog.DLQ".to_owned()));
        let own = wanted(&["bus.dead_letter_topic=dlq-{topic}"]);
        assert!(own.len() == by_default.len() && own.iter().all(|name| name.starts_with("dlq-")), "{own:?}");
        let needed: Vec<_> = needed_by("fulfillment", &DeadLetterTopic::new("dlq-{topic}")).collect();
        assert!(needed.contains(&"dlq-orders-in".to_owned()), "{needed:?}");
    }
}
