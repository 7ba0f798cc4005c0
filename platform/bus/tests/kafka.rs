//! Runs the conformance suite of the bus port on Apache Kafka, and the tests of the Kafka adapter. Needs a broker:
//!
//! ```sh
//! compose/with kafka -- cargo test -p bus --test kafka -- --ignored
//! ```
//! Tests that break a broker start one of their own by `compose/native/kafka`.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

use std::{sync::Arc, time::Duration};

use bus::{
    Bus,
    kafka::{Kafka, KafkaOptions},
};
use clock::Clock;
use futures_util::future::BoxFuture;
use suite::Stage;

#[path = "kafka/faults.rs"]
mod faults;
#[path = "kafka/groups.rs"]
mod groups;
#[path = "bus/helpers.rs"]
mod helpers;
#[path = "kafka/secure.rs"]
mod secure;
#[path = "bus/suite.rs"]
mod suite;
#[path = "kafka/topics.rs"]
mod topics;

/// The address of the broker that all tests share.
#[expect(clippy::disallowed_methods, reason = "not a setting: where the test finds its broker")]
fn url() -> String {
    std::env::var("UZON_TEST_KAFKA").expect("UZON_TEST_KAFKA: run by `compose/with kafka -- cargo test …`")
}

pub fn brokers(url: &str) -> String {
    url.strip_prefix("kafka://").expect("kafka://host:port").to_owned()
}

pub async fn open(options: KafkaOptions) -> Arc<dyn Bus> {
    Arc::new(Kafka::open(options, Duration::from_secs(30)).await.unwrap())
}

/// Topics and groups of its own on the shared broker.
pub struct Shared {
    options: KafkaOptions,
    /// Unique prefix, over all tests and runs.
    mark: String,
    bus: Arc<dyn Bus>,
    /// Buses of simulated crashes: they are never closed.
    killed: Vec<Arc<dyn Bus>>,
}

impl Shared {
    pub async fn with(change: impl FnOnce(&mut KafkaOptions)) -> Self {
        let mark = Clock::system().new_id().simple().to_string();
        let mut options = KafkaOptions {
            brokers: brokers(&url()),
            client: "test".to_owned(),
            topic_prefix: "suite.".to_owned(),
            ..KafkaOptions::default()
        };
        change(&mut options);
        let bus = open(options.clone()).await;
        Self { options, mark, bus, killed: Vec::new() }
    }
}

impl Stage for Shared {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    fn bus(&self) -> Arc<dyn Bus> {
        self.bus.clone()
    }

    fn name(&self, name: &str) -> Arc<str> {
        format!("{}-{name}", self.mark).into()
    }

    fn reopen(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.bus.close().await;
            self.bus = open(self.options.clone()).await;
        })
    }

    fn crash(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let another = open(self.options.clone()).await;
            self.killed.push(std::mem::replace(&mut self.bus, another));
        })
    }
}

macro_rules! kafka {
    ($($property:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
        async fn $property() {
            suite::$property(Shared::new().await).await;
        })*
    };
}

suite::properties!(kafka);
