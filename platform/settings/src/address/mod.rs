//! Addresses of the bus, the databases and HTTP servers.

mod bus;
mod database;
mod http;

pub use self::{bus::BusUrl, database::DatabaseUrl, http::HttpUrl};

/// Empty when the address has none.
fn scheme(url: &str) -> &str {
    url.split_once(':').map_or("", |(scheme, _)| scheme)
}

/// Quotes the scheme only if it is a plain word: an error must never show a password.
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
        Err(format!("must be a file, or a restart would lose everything: expected something like {example}"))
    } else if path.contains(['?', '#']) {
        Err(format!("takes no options: expected a plain path as in {example}"))
    } else {
        Ok(path)
    }
}
