//! Builds with `--cfg fault_injection` can run a participant without one of its safeguards, so that a test shows that the
//! suite notices. No setting leads here.

use chrono::{DateTime, Utc};
use store::Db;

use crate::{Consequences, outbox};

/// Which safeguard is missing, or which fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Repeats are not recognised.
    RepeatsIgnored,
    /// The outbox is written after the commit.
    OutboxAfterCommit,
    /// Not a missing safeguard but a fault: a transaction that requests calls is committed, and the answer to that is lost.
    CommitAnswerLost,
}

/// What is kept out of the transaction.
pub(crate) struct LateWrites(Vec<bus::Outgoing>);

pub(crate) fn take_late_writes(fault: Option<Fault>, out: &mut Consequences) -> LateWrites {
    match fault {
        Some(Fault::OutboxAfterCommit) => LateWrites(std::mem::take(&mut out.events)),
        _ => LateWrites(vec![]),
    }
}

impl LateWrites {
    /// A failure here loses the writes, as a crash would.
    pub async fn write(self, db: &Db, now: DateTime<Utc>) -> Option<outbox::Inserted> {
        let tx = db.begin().await.ok()?;
        let row = outbox::insert(&tx, now, self.0).await.ok()?;
        tx.commit().await.ok()?;
        row
    }
}
