//! The platform's own sections. `uzon.default.toml` documents each key and its default.

mod bus;
mod texts;

use std::net::SocketAddr;

use serde::Deserialize;

pub(super) use self::bus::TOPIC;
pub use self::bus::{Bus, Groups, Mechanism, Protocol, Security};
use super::{
    address::{DatabaseUrl, HttpUrl},
    span::Span,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    #[serde(deserialize_with = "texts::listen")]
    pub listen: SocketAddr,
    pub max_body_bytes: usize,
    pub request_timeout: Span,
    #[serde(deserialize_with = "texts::origins")]
    pub cors_origins: Vec<String>,
}

/// `[database]` of one service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    pub url: DatabaseUrl,
    #[serde(deserialize_with = "texts::replica")]
    pub read_url: Option<DatabaseUrl>,
    pub max_connections: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// 0: the default of the bus.
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
    pub breaker: Breaker,
}

/// `[effects.breaker]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    pub window: Span,
    pub failures: u32,
    pub failure_ratio: f64,
    pub open: Span,
}

/// `[sandbox]`; its subsections belong to services.
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
    #[serde(deserialize_with = "texts::log_filter")]
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
pub(crate) struct Address {
    #[serde(default, deserialize_with = "texts::own_listen")]
    pub listen: Option<SocketAddr>,
}

/// All sections.
#[derive(Deserialize)]
pub(crate) struct Sections {
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
