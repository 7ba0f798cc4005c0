//! The address of the event log.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{file, scheme, unknown};

/// `bus.url`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum BusUrl {
    /// `embedded:<file>`: the log of one process, in a SQLite file.
    Embedded(PathBuf),
    /// `kafka://<host>:<port>,…`: the brokers to connect to first; one of them must answer.
    Kafka(Vec<String>),
}

const BUS: &str = "embedded:<file> or kafka://<host>:<port>,<host>:<port>";

impl BusUrl {
    /// The file of the embedded log.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Embedded(path) => Some(path),
            Self::Kafka(_) => None,
        }
    }
}

impl fmt::Display for BusUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(path) => write!(f, "embedded:{}", path.display()),
            Self::Kafka(brokers) => write!(f, "kafka://{}", brokers.join(",")),
        }
    }
}

impl TryFrom<String> for BusUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        match scheme(&url) {
            "embedded" => file(&url, "embedded:.uzon/bus.sqlite").map(|path| Self::Embedded(path.into())),
            "kafka" => brokers(&url).map(Self::Kafka),
            other => Err(unknown(other, BUS)),
        }
    }
}

fn brokers(url: &str) -> Result<Vec<String>, String> {
    let wrong = "expected brokers with their ports as in kafka://127.0.0.1:9092 or kafka://a:9092,b:9092";
    let list = url.strip_prefix("kafka://").ok_or(wrong)?.trim_end_matches('/');
    let broker = |broker: &str| {
        let (host, port) = broker.rsplit_once(':')?;
        let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || "._-[]:".contains(c));
        (plain && !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)).then(|| broker.to_owned())
    };
    list.split(',').map(str::trim).map(broker).collect::<Option<_>>().ok_or_else(|| wrong.to_owned())
}
