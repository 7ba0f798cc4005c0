//! From the runtime to the relay in memory, and how far the relay is behind.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
};

use bus::Outgoing;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;

/// Where participants put the rows that they have committed.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(super) rows: mpsc::Sender<Row>,
    pub(super) state: Arc<RelayState>,
}

/// A committed row of the outbox.
#[derive(Debug)]
pub(crate) struct Row {
    pub id: i64,
    pub messages: Vec<Outgoing>,
}

/// A committed row on its way to the relay.
pub(crate) struct Pending {
    pub row: Row,
    pub announced: PendingCommit,
}

/// How far the relay is behind.
#[derive(Debug, Default)]
pub(crate) struct RelayState {
    /// Some rows did not go through the channel: they have to be read from the table.
    pub(super) must_read: AtomicBool,
    /// Transactions whose rows may be in the table and are not in the channel yet.
    pub(super) pending_commits: AtomicUsize,
    /// Since when (microseconds since 1970) nothing can be published although something waits; 0: something can.
    pub(super) stalled_since: AtomicI64,
}

/// A row is about to be committed. Until it is sent or this is dropped, the relay remembers which rows it has read from the
/// table, so that it does not publish the row a second time when it comes through the channel.
#[derive(Debug)]
pub(crate) struct PendingCommit(Arc<RelayState>);

impl Drop for PendingCommit {
    fn drop(&mut self) {
        self.0.pending_commits.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Sender {
    /// To be called before the commit.
    pub fn announce(&self) -> PendingCommit {
        self.state.pending_commits.fetch_add(1, Ordering::AcqRel);
        PendingCommit(self.state.clone())
    }

    pub fn send(&self, pending: Pending) {
        let Pending { row, announced } = pending;
        if self.rows.try_send(row).is_err() {
            self.state.must_read.store(true, Ordering::Release);
        }
        drop(announced);
    }
}

impl RelayState {
    /// For how long nothing could be published.
    pub fn stalled_for(&self, now: DateTime<Utc>) -> TimeDelta {
        match self.stalled_since.load(Ordering::Relaxed) {
            0 => TimeDelta::zero(),
            since => TimeDelta::microseconds(now.timestamp_micros() - since),
        }
    }

    /// Nothing can be published, from `now` on if not before.
    pub(super) fn stall(&self, now: DateTime<Utc>) {
        let now = now.timestamp_micros();
        let _ = self.stalled_since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(super) fn advance(&self) {
        self.stalled_since.store(0, Ordering::Relaxed);
    }
}
