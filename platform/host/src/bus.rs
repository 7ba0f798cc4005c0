//! The bus of a process, with the topics of the choreography.

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

/// For a broker to answer when a process starts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Every topic of the choreography as it should be, by the name that services know, with its dead letters.
pub fn wanted_topics(config: &Config) -> Vec<TopicSpec> {
    let settings = &config.topics;
    let embedded = config.bus.url.file().is_some();
    let partitions = match settings.partitions {
        0 if embedded => 4,
        0 => 6,
        said => i32::try_from(said).unwrap_or(i32::MAX),
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

/// Names the topics of dead letters.
pub(super) fn dead_letter_topic(config: &Config) -> DeadLetterTopic {
    DeadLetterTopic::new(&config.bus.dead_letter_topic)
}

/// Opens the bus. `client`: what this process calls itself there.
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

/// Sees to it that there are all topics these services need. The embedded log belongs to one process: nobody else could
/// create them.
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
    // Nobody need be allowed to see more than that.
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

/// Topics a service hears or publishes, and where it puts what it cannot deal with.
fn needed_by(service: &str, dead_letters: &DeadLetterTopic) -> impl Iterator<Item = String> {
    let heard = choreography::heard_by(service).into_iter();
    let heard = heard.flat_map(|(topic, _)| [topic.to_owned(), dead_letters.of(topic)]);
    heard.chain(choreography::published_by(service).into_iter().map(|(topic, _)| topic.to_owned()))
}

/// What went wrong with the bus, and with which.
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

/// Names in Kafka: of the topics, and of their dead letters, which follow them unless they have a name of their own.
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

/// The files that the configuration names: the embedded log and SQLite databases.
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
