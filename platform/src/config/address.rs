//! Where bus, databases and others are.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::mask;

/// `bus.url`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum BusUrl {
    /// `embedded:<file>`: the log of one process, in a SQLite file.
    Embedded(PathBuf),
    /// `kafka://<host>:<port>,…`: brokers to begin with, one of which must answer.
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

/// `database.url`
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum DatabaseUrl {
    /// `sqlite:<file>`
    Sqlite(PathBuf),
    /// `postgres://<user>:<password>@<host>:<port>/<database>`, with its password.
    Postgres(String),
    /// `mysql://…`, MariaDB as well.
    MySql(String),
}

const DATABASE: &str = "sqlite:<file>, postgres://<host>/<database> or mysql://<host>/<database>";

impl DatabaseUrl {
    /// The file of a SQLite database.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) | Self::MySql(_) => None,
        }
    }

    /// To connect with; contains the password.
    pub fn reveal(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) | Self::MySql(url) => url.clone(),
        }
    }

    /// With the service's name in place of `{service}`. In the names of databases and users `_` stands for `-`, so that
    /// they need no quotes.
    pub(super) fn of_service(&self, service: &str) -> Self {
        let named = |url: &str| url.replace("{service}", &service.replace('-', "_"));
        match self {
            Self::Sqlite(path) => {
                let path = path.to_str().expect("read from a text");
                Self::Sqlite(path.replace("{service}", service).into())
            }
            Self::Postgres(url) => Self::Postgres(named(url)),
            Self::MySql(url) => Self::MySql(named(url)),
        }
    }

    /// Two with the same place are one database, whoever connects to it.
    pub(super) fn place(&self) -> String {
        let url = self.reveal();
        let Some((scheme, rest)) = url.split_once("://") else { return url };
        let rest = rest.split('?').next().unwrap_or_default();
        format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, place)| place))
    }
}

/// Without its password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask::url(&self.reveal()))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl TryFrom<String> for DatabaseUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        match scheme(&url) {
            "sqlite" => file(&url, "sqlite:.uzon/{service}.sqlite").map(|path| Self::Sqlite(path.into())),
            "postgres" | "postgresql" => server(&url, "postgres").map(Self::Postgres),
            "mysql" | "mariadb" => server(&url, "mysql").map(Self::MySql),
            other => Err(unknown(other, DATABASE)),
        }
    }
}

/// A database on a server, under the one name its engine has here.
fn server(url: &str, engine: &str) -> Result<String, String> {
    let wrong = || format!("names no database: expected something like {engine}://uzon@127.0.0.1/uzon_{{service}}");
    let (_, rest) = url.split_once("://").ok_or_else(wrong)?;
    let path = rest.split('?').next().unwrap_or_default();
    let path = path.rsplit_once('@').map_or(path, |(_, place)| place);
    match path.split_once('/') {
        Some((_, database)) if !database.is_empty() && !database.contains('/') => Ok(format!("{engine}://{rest}")),
        _ => Err(wrong()),
    }
}

/// An address that is called over plain HTTP, or none: `http://127.0.0.1:8087`. Never ends with `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HttpUrl(Option<String>);

impl HttpUrl {
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl TryFrom<String> for HttpUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        if url.is_empty() {
            return Ok(Self(None));
        }
        let wrong = || "expected an address such as http://127.0.0.1:8087".to_owned();
        let uri: http::Uri = url.parse().map_err(|_| wrong())?;
        let plain = uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !host.is_empty());
        if plain && uri.query().is_none() { Ok(Self(Some(url.trim_end_matches('/').to_owned()))) } else { Err(wrong()) }
    }
}

/// Empty when there is none.
fn scheme(url: &str) -> &str {
    url.split_once(':').map_or("", |(scheme, _)| scheme)
}

/// Only a plain word is quoted: a slip in an address must not show its password.
fn unknown(scheme: &str, expected: &str) -> String {
    if !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphabetic()) {
        format!("unknown scheme {scheme}: expected {expected}")
    } else {
        format!("expected {expected}")
    }
}

/// The file of `scheme:<file>` or `scheme://<file>`.
fn file<'a>(url: &'a str, example: &str) -> Result<&'a str, String> {
    let path = url.split_once(':').map_or("", |(_, path)| path);
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.ends_with('/') {
        Err(format!("names no file: expected something like {example}"))
    } else if path.contains(":memory:") {
        Err(format!("is kept in a file, or a restart would forget everything: expected something like {example}"))
    } else if path.contains(['?', '#']) {
        Err(format!("takes no options: expected a plain path as in {example}"))
    } else {
        Ok(path)
    }
}
