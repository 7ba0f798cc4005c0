//! `[bus]`

use std::{collections::BTreeMap, path::PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error};

use super::texts;
use crate::address::BusUrl;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bus {
    pub url: BusUrl,
    #[serde(deserialize_with = "texts::name_part")]
    pub topic_prefix: String,
    #[serde(deserialize_with = "texts::name_part")]
    pub instance: String,
    pub security: Security,
    /// Properties of librdkafka by name.
    #[serde(default)]
    pub kafka: BTreeMap<String, String>,
    /// Names of topics in Kafka, by the names that the services use.
    #[serde(default, deserialize_with = "texts::names")]
    pub topics: BTreeMap<String, String>,
    /// Names of consumer groups that differ from the default, by the services' short names.
    #[serde(default, deserialize_with = "texts::names")]
    pub groups: BTreeMap<String, String>,
    /// The name of a dead-letter topic, with [`TOPIC`] for the topic's own name.
    #[serde(deserialize_with = "dead_letter_topic")]
    pub dead_letter_topic: String,
}

/// Stands for a topic's name in `bus.dead_letter_topic`.
pub(crate) const TOPIC: &str = "{topic}";

impl Bus {
    pub fn group_names(&self) -> Groups {
        Groups { prefix: self.topic_prefix.clone(), own: self.groups.clone() }
    }
}

/// The names of consumer groups.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// Before the service's short name, where the service has no group name of its own.
    pub prefix: String,
    /// By the services' short names.
    pub own: BTreeMap<String, String>,
}

impl Groups {
    /// The consumer group of a service.
    pub fn of(&self, service: &str) -> String {
        self.own.get(service).cloned().unwrap_or_else(|| format!("{}{service}", self.prefix))
    }
}

/// `[bus.security]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    pub protocol: Protocol,
    pub mechanism: Mechanism,
    pub username: String,
    pub password: SecretString,
    #[serde(deserialize_with = "texts::path")]
    pub ca: Option<PathBuf>,
    #[serde(deserialize_with = "texts::path")]
    pub cert: Option<PathBuf>,
    #[serde(deserialize_with = "texts::path")]
    pub key: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl Protocol {
    /// The name that librdkafka uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    pub fn has_password(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }

    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Mechanism {
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "PLAIN")]
    Plain,
}

impl Mechanism {
    /// The name that librdkafka uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Plain => "PLAIN",
        }
    }
}

fn dead_letter_topic<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let pattern = String::deserialize(deserializer)?;
    let rest = pattern.replacen(TOPIC, "", 1);
    // Without more than the topic's name, dead letters would return to the topic itself.
    if pattern.contains(TOPIC) && !rest.is_empty() && texts::is_name_part(&rest) {
        Ok(pattern)
    } else {
        Err(D::Error::custom(
            "expected {topic} once and 1 to 64 letters (a-z, A-Z), digits, `.`, `_` and `-`, such as {topic}.DLQ",
        ))
    }
}
