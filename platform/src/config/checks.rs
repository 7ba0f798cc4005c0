//! Settings that are right one by one and impossible together.

use std::{collections::BTreeMap, mem::discriminant};

use secrecy::ExposeSecret;

use super::{
    Config,
    address::BusUrl,
    problem::Problem,
    sections::{AuthMode, Bus, Protocol},
};

/// Everything that cannot be together.
pub(super) fn combinations(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |key: &str, message: String| problems.push(Problem::new(key, config.source(key), message));

    let (keep, retention) = (config.inbox.keep, config.topics.retention);
    if keep <= retention {
        let source = config.source("topics.retention");
        refuse(
            "inbox.keep",
            format!(
                "{keep} must be longer than topics.retention, {retention} ({source}), or an event read again counts twice"
            ),
        );
    }
    let listen = config.http.listen;
    if config.auth.mode == AuthMode::Dev && !listen.ip().is_loopback() {
        let source = config.source("http.listen");
        refuse(
            "auth.mode",
            format!("dev is for this machine only, but http.listen is {listen} ({source}); off opens it to everybody"),
        );
    }
    // One database for two would mix up their inboxes and outboxes.
    let mut taken = BTreeMap::new();
    if let Some(file) = config.bus.url.file() {
        taken.insert(format!("sqlite:{}", file.display()), "the bus".to_owned());
    }
    for (service, database) in &config.databases {
        let own = |key: &str| format!("service.{service}.database.{key}");
        let key_of = |key: &str| if config.is_set(&own(key)) { own(key) } else { format!("database.{key}") };
        if let Some(other) = taken.insert(database.url.place(), format!("service {service}")) {
            refuse(
                &key_of("url"),
                format!("{} would be shared by {other} and service {service}: put {{service}} into it", database.url),
            );
        }
        let engines = database.read_url.as_ref().map(|replica| (discriminant(&database.url), discriminant(replica)));
        if database.read_url.is_some() && database.url.file().is_some() {
            refuse(&key_of("read_url"), "a SQLite database has no replicas".to_owned());
        } else if engines.is_some_and(|(writes, reads)| writes != reads) {
            refuse(&key_of("read_url"), "a replica is of the same engine as database.url".to_owned());
        }
    }
    bus(config, &mut refuse);
    problems.dedup(); // what is wrong for all services is said once
    problems
}

fn bus(config: &Config, refuse: &mut impl FnMut(&str, String)) {
    let Bus { url, instance, security, kafka, topics, .. } = &config.bus;
    let mut names = BTreeMap::new();
    for (topic, name) in topics {
        if let Some(other) = names.insert(name, topic) {
            refuse(&format!("bus.topics.{topic}"), format!("{name} is the name of topic {other} as well"));
        }
    }
    let (user, password) = (!security.username.is_empty(), !security.password.expose_secret().is_empty());
    if let BusUrl::Embedded(_) = url {
        let said = [
            ("instance", !instance.is_empty()),
            ("security.protocol", security.protocol != Protocol::Plaintext),
            ("security.username", user),
            ("security.password", password),
        ];
        let said = said.into_iter().filter(|(_, said)| *said).map(|(key, _)| format!("bus.{key}"));
        let renamed =
            topics.iter().filter(|(topic, name)| topic != name).map(|(topic, _)| format!("bus.topics.{topic}"));
        let said = said.chain(renamed);
        for key in said.chain(kafka.keys().map(|key| format!("bus.kafka.{key}"))) {
            refuse(&key, format!("is for Apache Kafka, but bus.url is {url}"));
        }
        return;
    }
    for key in kafka.keys() {
        if let Some((_, why)) = OURS.iter().find(|(ours, _)| ours == key) {
            refuse(&format!("bus.kafka.{key}"), (*why).to_owned());
        }
    }
    if security.protocol.has_password() && !(user && password) {
        let key = if user { "bus.security.password" } else { "bus.security.username" };
        refuse(key, format!("is needed with bus.security.protocol {}", security.protocol.as_str()));
    } else if user && !security.protocol.has_password() {
        let protocol = security.protocol.as_str();
        refuse("bus.security.username", format!("is not used with bus.security.protocol {protocol}: sasl_ssl is"));
    }
    let files = [("ca", &security.ca), ("cert", &security.cert), ("key", &security.key)];
    for (key, file) in files {
        let key = format!("bus.security.{key}");
        let Some(file) = file else { continue };
        if !security.protocol.is_encrypted() {
            refuse(&key, format!("is not used with bus.security.protocol {}", security.protocol.as_str()));
        } else if let Err(error) = std::fs::File::open(file) {
            refuse(&key, format!("{} cannot be read: {error}", file.display()));
        }
    }
    if security.cert.is_some() != security.key.is_some() {
        let (given, lacking) = if security.cert.is_some() { ("cert", "key") } else { ("key", "cert") };
        refuse(&format!("bus.security.{given}"), format!("is of no use without bus.security.{lacking}"));
    }
}

/// Properties that are not for the asking, and why.
const OURS: [(&str, &str); 17] = [
    ("bootstrap.servers", "is said with bus.url"),
    ("metadata.broker.list", "is said with bus.url"),
    ("security.protocol", "is said with bus.security.protocol"),
    ("sasl.mechanism", "is said with bus.security.mechanism"),
    ("sasl.mechanisms", "is said with bus.security.mechanism"),
    ("sasl.username", "is said with bus.security.username"),
    ("sasl.password", "is said with bus.security.password"),
    ("group.instance.id", "is said with bus.instance"),
    ("group.id", "follows from bus.topic_prefix and the service"),
    ("acks", "an event counts as published when all replicas have it"),
    ("request.required.acks", "an event counts as published when all replicas have it"),
    ("enable.idempotence", "or repeats and another order would come of a lost connection"),
    ("message.timeout.ms", "the outbox keeps trying"),
    ("transactional.id", "the inbox does what transactions would"),
    ("enable.auto.commit", "an event counts as heard when its consequences are saved"),
    ("enable.auto.offset.store", "an event counts as heard when its consequences are saved"),
    ("partitioner", "or events of one order would spread over partitions"),
];
