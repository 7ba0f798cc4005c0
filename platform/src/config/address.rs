//! Where bus and databases are. This version knows the embedded log and SQLite.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// `bus.url`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum BusUrl {
    /// `embedded:<file>`: the log of one process, in a SQLite file.
    Embedded(PathBuf),
}

impl BusUrl {
    /// The file of the embedded log.
    pub fn path(&self) -> &Path {
        let Self::Embedded(path) = self;
        path
    }
}

impl fmt::Display for BusUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "embedded:{}", self.path().display())
    }
}

impl TryFrom<String> for BusUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        match scheme(&url) {
            "embedded" => file(&url, "embedded:.uzon/bus.sqlite").map(|path| Self::Embedded(path.into())),
            "kafka" => Err("Apache Kafka is not supported in this version: use embedded:<file>".to_owned()),
            other => Err(unknown(other, "embedded:<file>")),
        }
    }
}

/// `database.url`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum DatabaseUrl {
    /// `sqlite:<file>`
    Sqlite(PathBuf),
}

impl DatabaseUrl {
    /// The file of the SQLite database.
    pub fn path(&self) -> &Path {
        let Self::Sqlite(path) = self;
        path
    }

    /// With the service's name in place of `{service}`.
    pub(super) fn of_service(&self, service: &str) -> Self {
        let path = self.path().to_str().expect("read from a text");
        Self::Sqlite(path.replace("{service}", service).into())
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite:{}", self.path().display())
    }
}

impl TryFrom<String> for DatabaseUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        let other_engine = |engine| Err(format!("{engine} is not supported in this version: use sqlite:<file>"));
        match scheme(&url) {
            "sqlite" => file(&url, "sqlite:.uzon/{service}.sqlite").map(|path| Self::Sqlite(path.into())),
            "postgres" | "postgresql" => other_engine("PostgreSQL"),
            "mysql" => other_engine("MySQL"),
            "mariadb" => other_engine("MariaDB"),
            other => Err(unknown(other, "sqlite:<file>")),
        }
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
