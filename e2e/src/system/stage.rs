//! Kafka and PostgreSQL for a system of several processes. `compose/with` starts them and sets the
//! variables that are read here.

use std::env;

/// Addresses of the servers.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The value for `bus.url`.
    pub bus: String,
    /// URL without the database, with a user that may create databases.
    pub databases: String,
}

impl Stage {
    /// The servers named in the environment; `None` if there are none.
    #[expect(clippy::disallowed_methods, reason = "`compose/with` sets it")]
    pub fn given() -> Option<Self> {
        let bus = env::var("UZON_TEST_KAFKA").ok()?;
        let databases = env::var("UZON_TEST_POSTGRES").ok()?;
        let (databases, _) = databases.rsplit_once('/')?;
        Some(Self { bus, databases: databases.to_owned() })
    }

    /// Settings of every process of a system called `name`.
    pub fn settings(&self, name: &str) -> Vec<String> {
        vec![
            format!("bus.url={}", self.bus),
            format!("bus.topic_prefix={name}-"),
            "topics.partitions=2".to_owned(),
            format!("database.url={}/{name}_{{service}}", self.databases),
            "database.max_connections=4".to_owned(), // all systems share one server
        ]
    }
}
