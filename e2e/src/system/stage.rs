//! Real servers for a system of several processes: Kafka and PostgreSQL, started by `compose/with`, which says in the environment
//! where they are.

use std::env;

/// Where the servers are.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The value for `bus.url`.
    pub bus: String,
    /// A user's who may create databases; without the database.
    pub databases: String,
}

impl Stage {
    /// As the environment says; `None`: there are none.
    #[expect(clippy::disallowed_methods, reason = "how `compose/with` tells")]
    pub fn given() -> Option<Self> {
        let bus = env::var("UZON_TEST_KAFKA").ok()?;
        let databases = env::var("UZON_TEST_POSTGRES").ok()?;
        let (databases, _) = databases.rsplit_once('/')?;
        Some(Self { bus, databases: databases.to_owned() })
    }

    /// What every process of a system called `name` is told.
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
