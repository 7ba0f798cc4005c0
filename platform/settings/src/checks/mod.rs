//! Settings that are valid one by one and impossible together.

mod bus;

use std::{collections::BTreeMap, mem::discriminant};

use super::{Config, problem::Problem, sections::AuthMode};

/// Every violation.
pub(super) fn combinations(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |key: &str, message: String| problems.push(Problem::new(key, config.source(key), message));

    let (keep, retention) = (config.inbox.keep, config.topics.retention);
    if keep <= retention {
        let source = config.source("topics.retention");
        refuse(
            "inbox.keep",
            format!(
                "{keep} must be longer than topics.retention, {retention} ({source}), or an event read again counts twice"
            ),
        );
    }
    let listen = config.http.listen;
    if config.auth.mode == AuthMode::Dev && !listen.ip().is_loopback() {
        let source = config.source("http.listen");
        refuse(
            "auth.mode",
            format!("dev is for this machine only, but http.listen is {listen} ({source}); off opens it to everybody"),
        );
    }
    // Two services in one database would mix up their inboxes and outboxes.
    let mut taken = BTreeMap::new();
    if let Some(file) = config.bus.url.file() {
        taken.insert(format!("sqlite:{}", file.display()), "the bus".to_owned());
    }
    for (service, database) in &config.databases {
        let own = |key: &str| format!("service.{service}.database.{key}");
        let key_of = |key: &str| if config.is_set(&own(key)) { own(key) } else { format!("database.{key}") };
        if let Some(other) = taken.insert(database.url.place(), format!("service {service}")) {
            refuse(
                &key_of("url"),
                format!("{} would be shared by {other} and service {service}: put {{service}} into it", database.url),
            );
        }
        let engines = database.read_url.as_ref().map(|replica| (discriminant(&database.url), discriminant(replica)));
        if database.read_url.is_some() && database.url.file().is_some() {
            refuse(&key_of("read_url"), "a SQLite database has no replicas".to_owned());
        } else if engines.is_some_and(|(writes, reads)| writes != reads) {
            refuse(&key_of("read_url"), "a replica is of the same engine as database.url".to_owned());
        }
    }
    bus::check(config, &mut refuse);
    problems.dedup(); // a violation of all services is reported once
    problems
}
