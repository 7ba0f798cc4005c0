//! The platform's own sections. What a key means and its default: `uzon.default.toml`.

use std::net::SocketAddr;

use serde::{Deserialize, Deserializer, de::Error};
use tracing_subscriber::EnvFilter;

use super::{
    address::{BusUrl, DatabaseUrl},
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
    #[serde(deserialize_with = "topic_prefix")]
    pub topic_prefix: String,
}

/// `[database]` as it is for one service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    pub url: DatabaseUrl,
    pub max_connections: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    pub partitions: u32,
    pub retention: Span,
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

fn topic_prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let prefix = String::deserialize(deserializer)?;
    if prefix.len() <= 64 && prefix.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
        Ok(prefix)
    } else {
        Err(D::Error::custom("expected at most 64 letters (a-z, A-Z), digits, `.`, `_` and `-`"))
    }
}

fn log_filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match EnvFilter::try_new(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(D::Error::custom("expected levels such as info or info,platform=debug")),
    }
}
