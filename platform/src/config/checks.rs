//! Settings that are right one by one and impossible together.

use std::collections::BTreeMap;

use super::{Config, problem::Problem, sections::AuthMode};

/// Everything that cannot be together.
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
    // One file for two would mix up their inboxes and outboxes.
    let mut taken = BTreeMap::from([(config.bus.url.path().to_owned(), "the bus".to_owned())]);
    for (service, database) in &config.databases {
        let own = format!("service.{service}.database.url");
        if let Some(other) = taken.insert(database.url.path().to_owned(), format!("service {service}")) {
            let key = if config.is_set(&own) { own.as_str() } else { "database.url" };
            refuse(
                key,
                format!("{} would be shared by {other} and service {service}: put {{service}} into it", database.url),
            );
        }
    }
    problems
}
