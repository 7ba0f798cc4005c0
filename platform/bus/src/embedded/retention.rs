//! Removes old records, in small steps between appends.

use bytes::Bytes;
use chrono::TimeDelta;
use rusqlite::Transaction;

use super::{
    batch::Batch,
    shared::Shared,
    topics::Topics,
    writer::{Writer, transaction},
};
use crate::codec;

/// Rows per step.
const STEP: usize = 64;

impl Writer {
    /// Searches for old records once a minute. While there are more, removes one step after every append.
    pub(super) fn prune(&mut self, shared: &Shared) {
        let Some(retention) = self.retention.and_then(|it| TimeDelta::from_std(it).ok()) else { return };
        let now = self.clock.now();
        if now < self.prune_at {
            return;
        }
        let topics = shared.any_state().topics.clone();
        let before = (now - retention).timestamp_micros();
        match transaction(&mut self.connection, |tx| step(tx, before, &topics)) {
            Ok(pruned) => {
                if let Some(end) = pruned.last() {
                    shared.any_state().prune(*end);
                }
                if pruned.len() < STEP {
                    self.prune_at = now + TimeDelta::minutes(1);
                }
            }
            Err(error) => {
                tracing::warn!("old records of the event log can't be removed: {error}");
                self.prune_at = now + TimeDelta::minutes(1);
            }
        }
    }
}

/// Removes up to `STEP` rows. Returns the end of each removed row.
fn step(tx: &Transaction, before: i64, topics: &Topics) -> rusqlite::Result<Vec<i64>> {
    let mut statement = tx.prepare_cached(
        "SELECT first, first + count, at, records FROM batches
         WHERE first < (SELECT max(first) FROM batches) ORDER BY first LIMIT ?1",
    )?;
    let mut rows = statement.query([i64::try_from(STEP).expect("small")])?;
    let mut removed = Vec::new();
    let mut last = None;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(2)? >= before {
            break;
        }
        let first = row.get(0)?;
        keep(tx, first, row.get::<_, Vec<u8>>(3)?.into(), topics)?;
        removed.push(row.get(1)?);
        last = Some(first);
    }
    if let Some(last) = last {
        tx.prepare_cached("DELETE FROM batches WHERE first <= ?1")?.execute([last])?;
    }
    Ok(removed)
}

/// Keeps the last record of each key of the compacted topics. Rows come in log order, so a later record replaces
/// an earlier one.
fn keep(tx: &Transaction, first: i64, blob: Bytes, topics: &Topics) -> rusqlite::Result<()> {
    let Ok(batch) = Batch::decode(blob, first, topics) else {
        return Ok(()); // readers have already reported the damage
    };
    for it in batch.records {
        let record = it.record;
        if topics.find(&record.topic).is_some_and(|topic| topic.compacted) {
            let one = codec::encode([(&*record.topic, &*record.message)].into_iter());
            tx.prepare_cached("INSERT OR REPLACE INTO kept (sequence, topic, key, record) VALUES (?1, ?2, ?3, ?4)")?
                .execute((record.offset, &*record.topic, &*record.message.key, one))?;
        }
    }
    Ok(())
}
