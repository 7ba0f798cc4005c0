//! The way of what is committed to the relay, and what is known of how far that is behind.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;

use crate::bus::Outgoing;

/// Where rooms put what they have committed.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(super) rows: mpsc::Sender<Row>,
    pub(super) state: Arc<State>,
}

/// A row of the outbox, as the process has it that committed it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(super) id: i64,
    pub(super) messages: Vec<Outgoing>,
}

impl Row {
    pub(crate) fn new(id: i64, messages: Vec<Outgoing>) -> Self {
        Self { id, messages }
    }
}

/// How far behind the relay is.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Some rows did not go through the channel.
    pub(super) behind: AtomicBool,
    /// Transactions whose rows may be in the table and are not in the channel yet.
    pub(super) announced: AtomicUsize,
    /// Since when (microseconds since 1970) nothing could be published although something waits; 0: all is well.
    pub(super) stuck_since: AtomicI64,
}

/// A row that is about to be committed: until it is sent or this is dropped, the relay remembers what it has read from
/// the table, so that it does not publish the row a second time when it comes through the channel.
#[derive(Debug)]
pub(crate) struct Announced(Arc<State>);

impl Drop for Announced {
    fn drop(&mut self) {
        self.0.announced.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Sender {
    pub(crate) fn announce(&self) -> Announced {
        self.state.announced.fetch_add(1, Ordering::AcqRel);
        Announced(self.state.clone())
    }

    pub(crate) fn send(&self, row: Row, announced: Announced) {
        if self.rows.try_send(row).is_err() {
            self.state.behind.store(true, Ordering::Release);
        }
        drop(announced);
    }
}

impl State {
    /// How long nothing could be published.
    pub(crate) fn age(&self, now: DateTime<Utc>) -> TimeDelta {
        match self.stuck_since.load(Ordering::Relaxed) {
            0 => TimeDelta::zero(),
            since => TimeDelta::microseconds(now.timestamp_micros() - since),
        }
    }
}
