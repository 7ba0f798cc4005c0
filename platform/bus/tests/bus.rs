//! Runs the conformance suite of the bus port, and the tests of the embedded log's own guarantees.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

use std::{path::PathBuf, sync::Arc};

use bus::{
    Bus,
    embedded::{EmbeddedLog, EmbeddedOptions},
};
use clock::Clock;
use futures_util::future::BoxFuture;
use suite::Stage;
use tempfile::TempDir;

#[path = "bus/embedded.rs"]
mod embedded;
#[path = "bus/helpers.rs"]
mod helpers;
#[path = "bus/kill.rs"]
mod kill;
#[path = "bus/suite.rs"]
mod suite;

/// An embedded log in a folder of its own.
pub struct Embedded {
    folder: TempDir,
    bus: Arc<dyn Bus>,
}

impl Embedded {
    fn options() -> EmbeddedOptions {
        // A small ring, so that the file is read too. No fsync: the tests kill processes but do not cut the power.
        EmbeddedOptions { fsync: false, ring_bytes: 64 << 10, ..EmbeddedOptions::default() }
    }

    fn open(path: &std::path::Path) -> Arc<dyn Bus> {
        Arc::new(EmbeddedLog::open(path, Self::options(), Clock::system()).unwrap())
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("events.db")
    }
}

impl Stage for Embedded {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bus = Self::open(&folder.path().join("events.db"));
        Self { folder, bus }
    }

    fn bus(&self) -> Arc<dyn Bus> {
        self.bus.clone()
    }

    fn name(&self, name: &str) -> Arc<str> {
        name.into() // each log has topics of its own
    }

    fn reopen(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.bus.close().await;
            self.bus = Self::open(&self.path());
        })
    }

    /// A killed process leaves the files as they are at that moment, so this opens a copy of them.
    fn crash(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let folder = tempfile::tempdir().unwrap();
            for name in ["events.db", "events.db-wal"] {
                std::fs::copy(self.folder.path().join(name), folder.path().join(name)).unwrap();
            }
            self.bus = Self::open(&folder.path().join("events.db"));
            self.folder = folder;
        })
    }
}

macro_rules! embedded {
    ($($property:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $property() {
            suite::$property(Embedded::new().await).await;
        })*
    };
}

suite::properties!(embedded);
