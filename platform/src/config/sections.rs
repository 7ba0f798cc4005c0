//! The platform's own sections. What a key means and its default: `uzon.default.toml`.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error};
use tracing_subscriber::EnvFilter;

use super::{
    address::{BusUrl, DatabaseUrl, HttpUrl},
    span::Span,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    #[serde(deserialize_with = "listen")]
    pub listen: SocketAddr,
    pub max_body_bytes: usize,
    pub request_timeout: Span,
    #[serde(deserialize_with = "origins")]
    pub cors_origins: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bus {
    pub url: BusUrl,
    #[serde(deserialize_with = "name_part")]
    pub topic_prefix: String,
    #[serde(deserialize_with = "name_part")]
    pub instance: String,
    pub security: Security,
    /// Properties of librdkafka by name.
    #[serde(default)]
    pub kafka: BTreeMap<String, String>,
    /// What topics are called in the log, by the names that the services know.
    #[serde(default, deserialize_with = "topic_names")]
    pub topics: BTreeMap<String, String>,
}

/// `[bus.security]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    pub protocol: Protocol,
    pub mechanism: Mechanism,
    pub username: String,
    pub password: SecretString,
    #[serde(deserialize_with = "path")]
    pub ca: Option<PathBuf>,
    #[serde(deserialize_with = "path")]
    pub cert: Option<PathBuf>,
    #[serde(deserialize_with = "path")]
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
    /// As librdkafka calls it.
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
    /// As librdkafka calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Plain => "PLAIN",
        }
    }
}

/// `[database]` as it is for one service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    pub url: DatabaseUrl,
    #[serde(deserialize_with = "replica")]
    pub read_url: Option<DatabaseUrl>,
    pub max_connections: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// 0: as suits the bus.
    pub partitions: u32,
    pub replication: u32,
    pub retention: Span,
    pub dlq_retention: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    pub keep: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    pub batch: usize,
    pub retries: u32,
    pub first_retry: Span,
    pub hold: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    pub batch: usize,
    pub limit_age: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effects {
    pub concurrency: usize,
}

/// The services' own part of it (`sandbox.…`) is theirs.
#[derive(Debug, Clone, Deserialize)]
pub struct Sandbox {
    pub url: HttpUrl,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    pub mode: AuthMode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    Dev,
    Off,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub log_format: LogFormat,
    /// Directives that `EnvFilter` accepts.
    #[serde(deserialize_with = "log_filter")]
    pub log_filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Auto,
    Json,
    Pretty,
}

/// `[service.<name>.http]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Address {
    #[serde(default, deserialize_with = "own_listen")]
    pub listen: Option<SocketAddr>,
}

/// All of the above, as they stand in the file.
#[derive(Deserialize)]
pub(super) struct Sections {
    pub http: Http,
    pub bus: Bus,
    pub database: DatabaseSettings,
    pub topics: Topics,
    pub inbox: Inbox,
    pub delivery: Delivery,
    pub outbox: Outbox,
    pub effects: Effects,
    pub sandbox: Sandbox,
    pub auth: Auth,
    pub telemetry: Telemetry,
}

fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        D::Error::custom(format!(
            "expected an IP address and a port such as 127.0.0.1:8080 or [::]:8080, found {text:?}"
        ))
    })
}

fn own_listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    listen(deserializer).map(Some)
}

fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let origins = Vec::<String>::deserialize(deserializer)?;
    let is_origin = |origin: &String| {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '*', '@', ' ']))
    };
    if origins.iter().all(is_origin) {
        Ok(origins)
    } else {
        Err(D::Error::custom("expected origins such as https://shop.example: scheme, host and port, no path, no *"))
    }
}

/// Of what may be a part of a topic's or a group's name.
fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn name_part<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() <= 64 && is_name(&text) {
        Ok(text)
    } else {
        Err(D::Error::custom("expected at most 64 letters (a-z, A-Z), digits, `.`, `_` and `-`"))
    }
}

fn topic_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let names = BTreeMap::<String, String>::deserialize(deserializer)?;
    // With prefix and `.DLQ` a name must not exceed Kafka's 249.
    if names.values().all(|name| (1..=180).contains(&name.len()) && is_name(name)) {
        Ok(names)
    } else {
        Err(D::Error::custom("expected 1 to 180 letters (a-z, A-Z), digits, `.`, `_` and `-`"))
    }
}

fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((!text.is_empty()).then(|| text.into()))
}

fn replica<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DatabaseUrl>, D::Error> {
    match String::deserialize(deserializer)? {
        text if text.is_empty() => Ok(None),
        text => DatabaseUrl::try_from(text).map(Some).map_err(D::Error::custom),
    }
}

fn log_filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match EnvFilter::try_new(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(D::Error::custom("expected levels such as info or info,platform=debug")),
    }
}
