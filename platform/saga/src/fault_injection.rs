//! Builds with `--cfg fault_injection` can run a participant without one of its safeguards, so that a test shows that the
//! suite notices. No setting leads here.

use chrono::{DateTime, Utc};
use store::Db;
use uuid::Uuid;

use crate::{
    Consequences, inbox, outbox,
    runtime::{BatchWrites, RuntimeConfig},
};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Repeats are not recognised.
    InboxIgnored,
    /// The inbox is written after the commit.
    InboxAfterCommit,
    /// The outbox is written after the commit.
    OutboxAfterCommit,
    /// Not a missing safeguard but a fault: a transaction that requests calls is committed, and the answer to that is lost.
    CommitAnswerLost,
}

/// What is kept out of the transaction.
pub(crate) struct LateWrites {
    decided: Vec<Uuid>,
    events: Vec<bus::Outgoing>,
}

pub(crate) fn take_late_writes(fault: Option<Fault>, writes: &mut BatchWrites, out: &mut Consequences) -> LateWrites {
    let mut late = LateWrites { decided: vec![], events: vec![] };
    match fault {
        Some(Fault::InboxAfterCommit) => late.decided = std::mem::take(&mut writes.decided),
        Some(Fault::OutboxAfterCommit) => late.events = std::mem::take(&mut out.events),
        Some(Fault::InboxIgnored | Fault::CommitAnswerLost) | None => {}
    }
    late
}

impl LateWrites {
    /// A failure here loses the writes, as a crash would.
    pub async fn write(self, db: &Db, config: &RuntimeConfig, now: DateTime<Utc>) -> Option<outbox::Inserted> {
        let tx = db.begin().await.ok()?;
        inbox::remember(&tx, config.participant, self.decided).await.ok()?;
        let row = outbox::insert(&tx, now, self.events).await.ok()?;
        tx.commit().await.ok()?;
        row
    }
}
