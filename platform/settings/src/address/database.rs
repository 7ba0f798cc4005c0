//! The address of a database.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{file, scheme, unknown};
use crate::mask;

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

    /// The address to connect to; contains the password.
    pub fn reveal(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) | Self::MySql(url) => url.clone(),
        }
    }

    /// Replaces `{service}` by the service's name. On a server `-` becomes `_`, so that names of databases and users
    /// need no quotes.
    pub(crate) fn of_service(&self, service: &str) -> Self {
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

    /// Without user and options: equal places are one database.
    pub(crate) fn place(&self) -> String {
        let url = self.reveal();
        let Some((scheme, rest)) = url.split_once("://") else { return url };
        let rest = rest.split('?').next().unwrap_or_default();
        format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, place)| place))
    }
}

/// Hides the password.
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

/// Checks that the address names a database, and writes its scheme as `engine`.
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
