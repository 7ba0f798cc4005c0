//! `[bus]`

use std::{collections::BTreeMap, fs::File};

use secrecy::ExposeSecret;

use crate::{
    BusUrl, Config, Protocol, Security,
    sections::{Bus, TOPIC},
};

/// The most characters that Kafka accepts in the name of a topic.
const LONGEST_NAME: usize = 249;

pub(super) fn check(config: &Config, refuse: &mut impl FnMut(&str, String)) {
    topics(&config.bus, refuse);
    groups(config, refuse);
    match &config.bus.url {
        BusUrl::Embedded(_) => only_for_kafka(&config.bus, refuse),
        BusUrl::Kafka(_) => kafka(&config.bus, refuse),
    }
}

fn topics(bus: &Bus, refuse: &mut impl FnMut(&str, String)) {
    let mut names = BTreeMap::new();
    for (topic, name) in &bus.topics {
        if let Some(other) = names.insert(name.clone(), topic) {
            refuse(&format!("bus.topics.{topic}"), format!("{name} is the name of topic {other} as well"));
        }
    }
    for name in bus.topics.values() {
        let dead_letters = bus.dead_letter_topic.replace(TOPIC, name);
        if let Some(other) = names.get(&dead_letters) {
            refuse("bus.dead_letter_topic", format!("{dead_letters} is the name of topic {other} as well"));
        }
        if bus.topic_prefix.len() + dead_letters.len() > LONGEST_NAME {
            let name = format!("{}{dead_letters}", bus.topic_prefix);
            refuse("bus.dead_letter_topic", format!("{name} is longer than the {LONGEST_NAME} characters of Kafka"));
        }
    }
}

/// Two services in one group would each receive a part of the events.
fn groups(config: &Config, refuse: &mut impl FnMut(&str, String)) {
    let (names, mut taken) = (config.bus.group_names(), BTreeMap::new());
    for service in config.databases.keys() {
        let name = names.of(service);
        if let Some(other) = taken.insert(name.clone(), service) {
            let renamed = if names.own.contains_key(service) { service } else { other };
            refuse(
                &format!("bus.groups.{renamed}"),
                format!("{name} would be the group of service {other} and service {service}"),
            );
        }
    }
}

fn only_for_kafka(bus: &Bus, refuse: &mut impl FnMut(&str, String)) {
    let Bus { url, security, .. } = bus;
    let given = [
        ("instance", !bus.instance.is_empty()),
        ("security.protocol", security.protocol != Protocol::Plaintext),
        ("security.username", !security.username.is_empty()),
        ("security.password", !security.password.expose_secret().is_empty()),
    ];
    let given = given.into_iter().filter(|(_, given)| *given).map(|(key, _)| key.to_owned());
    let renamed = bus.topics.iter().filter(|(topic, name)| topic != name).map(|(topic, _)| format!("topics.{topic}"));
    for key in given.chain(renamed).chain(bus.kafka.keys().map(|key| format!("kafka.{key}"))) {
        refuse(&format!("bus.{key}"), format!("is for Apache Kafka, but bus.url is {url}"));
    }
}

fn kafka(bus: &Bus, refuse: &mut impl FnMut(&str, String)) {
    for key in bus.kafka.keys() {
        if let Some((_, why)) = FIXED.iter().find(|(fixed, _)| fixed == key) {
            refuse(&format!("bus.kafka.{key}"), (*why).to_owned());
        }
    }
    let Security { protocol, ca, cert, key, .. } = &bus.security;
    let user = !bus.security.username.is_empty();
    let password = !bus.security.password.expose_secret().is_empty();
    if protocol.has_password() && !(user && password) {
        let key = if user { "bus.security.password" } else { "bus.security.username" };
        refuse(key, format!("is needed with bus.security.protocol {}", protocol.as_str()));
    } else if user && !protocol.has_password() {
        let protocol = protocol.as_str();
        refuse("bus.security.username", format!("is not used with bus.security.protocol {protocol}: sasl_ssl is"));
    }
    for (name, file) in [("ca", ca), ("cert", cert), ("key", key)] {
        let name = format!("bus.security.{name}");
        let Some(file) = file else { continue };
        if !protocol.is_encrypted() {
            refuse(&name, format!("is not used with bus.security.protocol {}", protocol.as_str()));
        } else if let Err(error) = File::open(file) {
            refuse(&name, format!("{} cannot be read: {error}", file.display()));
        }
    }
    if cert.is_some() != key.is_some() {
        let (given, missing) = if cert.is_some() { ("cert", "key") } else { ("key", "cert") };
        refuse(&format!("bus.security.{given}"), format!("is of no use without bus.security.{missing}"));
    }
}

/// Properties of librdkafka that cannot be set, and why.
const FIXED: [(&str, &str); 17] = [
    ("bootstrap.servers", "is set with bus.url"),
    ("metadata.broker.list", "is set with bus.url"),
    ("security.protocol", "is set with bus.security.protocol"),
    ("sasl.mechanism", "is set with bus.security.mechanism"),
    ("sasl.mechanisms", "is set with bus.security.mechanism"),
    ("sasl.username", "is set with bus.security.username"),
    ("sasl.password", "is set with bus.security.password"),
    ("group.instance.id", "is set with bus.instance"),
    ("group.id", "is set with bus.groups"),
    ("acks", "an event counts as published when all replicas have it"),
    ("request.required.acks", "an event counts as published when all replicas have it"),
    ("enable.idempotence", "or a lost connection would cause repeats and another order"),
    ("message.timeout.ms", "the outbox keeps trying"),
    ("transactional.id", "the inbox does what transactions would"),
    ("enable.auto.commit", "an event counts as processed when its consequences are saved"),
    ("enable.auto.offset.store", "an event counts as processed when its consequences are saved"),
    ("partitioner", "or events of one order would spread over partitions"),
];
