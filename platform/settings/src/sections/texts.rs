//! Settings that are texts with rules of their own.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Deserializer, de::Error};
use tracing_subscriber::EnvFilter;

use crate::address::DatabaseUrl;

pub fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        D::Error::custom(format!(
            "expected an IP address and a port such as 127.0.0.1:8080 or [::]:8080, found {text:?}"
        ))
    })
}

pub fn own_listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    listen(deserializer).map(Some)
}

pub fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
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

/// Whether these characters are allowed in the name of a topic or group.
fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// A part of the name of a topic or group: short enough to be put before or after another one.
pub fn is_name_part(text: &str) -> bool {
    text.len() <= 64 && is_name(text)
}

pub fn name_part<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_name_part(&text) {
        Ok(text)
    } else {
        Err(D::Error::custom("expected at most 64 letters (a-z, A-Z), digits, `.`, `_` and `-`"))
    }
}

pub fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let names = BTreeMap::<String, String>::deserialize(deserializer)?;
    if names.values().all(|name| (1..=180).contains(&name.len()) && is_name(name)) {
        Ok(names)
    } else {
        Err(D::Error::custom("expected 1 to 180 letters (a-z, A-Z), digits, `.`, `_` and `-`"))
    }
}

pub fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((!text.is_empty()).then(|| text.into()))
}

pub fn replica<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DatabaseUrl>, D::Error> {
    match String::deserialize(deserializer)? {
        text if text.is_empty() => Ok(None),
        text => DatabaseUrl::try_from(text).map(Some).map_err(D::Error::custom),
    }
}

pub fn log_filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match EnvFilter::try_new(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(D::Error::custom("expected levels such as info or info,platform=debug")),
    }
}
