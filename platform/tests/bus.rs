//! The conformance suite of the bus port, run against the embedded log; and what only the embedded log promises.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

use std::{path::PathBuf, sync::Arc};

use futures_util::future::BoxFuture;
use platform::{
    Clock,
    bus::{
        Bus,
        embedded::{EmbeddedLog, EmbeddedOptions},
    },
};
use suite::Stage;
use tempfile::TempDir;

#[path = "bus/embedded.rs"]
mod embedded;
#[path = "bus/kill.rs"]
mod kill;
#[path = "bus/suite.rs"]
mod suite;
#[path = "bus/words.rs"]
mod words;

/// An embedded log in a folder of its own.
pub struct Embedded {
    folder: TempDir,
    bus: Arc<dyn Bus>,
}

impl Embedded {
    fn options() -> EmbeddedOptions {
        // Small, so that the file is read, too. Without fsync: a killed process, not a power failure, is what is tested.
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
        name.into() // every log has its own topics
    }

    fn reopen(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.bus.close().await;
            self.bus = Self::open(&self.path());
        })
    }

    /// What a killed process leaves behind are the files as they are: a copy is opened.
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

/// One test per property, for one stage.
macro_rules! conformance {
    ($stage:ty: $($property:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $property() {
            suite::$property(<$stage as Stage>::new().await).await;
        })*
    };
}

conformance!(Embedded:
    order_is_kept_within_a_key,
    a_key_stays_in_its_partition,
    every_group_gets_every_record,
    a_group_sees_only_its_topics,
    a_new_group_begins_with_the_oldest,
    the_first_take_assigns_all_partitions,
    at_most_as_many_as_wanted,
    positions_survive_reopening,
    what_is_not_committed_comes_again,
    partitions_are_committed_independently,
    what_was_acknowledged_survives_a_crash,
    offsets_go_on_rising_after_reopening,
    followers_see_only_what_is_new,
    lag_is_exact,
    lag_of_a_group_that_never_was,
    lag_survives_reopening,
    unknown_topics_are_named,
    creating_topics_twice_changes_nothing,
    messages_survive_byte_for_byte,
    a_large_message,
    more_than_fits_into_memory,
    reading_a_range,
    many_publishers_at_once,
    waiting_may_be_given_up,
    waiting_is_ended_by_a_record,
    an_empty_publish_is_nothing,
    closed_is_said,
);
