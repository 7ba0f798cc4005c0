//! Parked records on their way again.

use store::{Db, StoreError};
use tracing::warn;

use super::Source;
use crate::{
    Delivery, Participant, Subscriptions, Verdict,
    dead_letter::{
        DeadLetterReason,
        parking::{self, ParkingChanges},
        queues::{Head, ParkedQueues},
    },
    decode::decode_record,
    runtime::{BatchState, Deferred, Disposition, Item, RuntimeConfig},
    tables::parked,
};

pub(crate) struct ParkedSource {
    pub row: parked::Model,
}

impl ParkedSource {
    pub fn dedupe<I>(
        &self,
        delivery: &Delivery<I>,
        is_repeat: bool,
        state: &mut BatchState<'_>,
    ) -> Option<Disposition> {
        if state.parked.is_blocked(&self.row.queue()) {
            return Some(Disposition::Parked);
        }
        let is_known = state.config.recognises_repeats() && !state.dedup.events.known.insert(delivery.id);
        (is_repeat || is_known).then(|| {
            state.unpark(&self.row);
            Disposition::Repeated
        })
    }

    pub fn apply(&self, verdict: Verdict, state: &mut BatchState<'_>) -> Disposition {
        let (now, config) = (state.now, state.config);
        let (row, reason) = match verdict {
            Verdict::Hold(why) => {
                let mut row = self.row.clone();
                row.still_held(why, now, &config.retry);
                (row, DeadLetterReason::Unmet)
            }
            Verdict::Reject(why) => {
                let mut row = self.row.clone();
                row.died(&why, now);
                (row, DeadLetterReason::Rejected)
            }
            verdict => {
                state.unpark(&self.row);
                return Disposition::Decided(verdict);
            }
        };
        state.writes.parking.copy_if_dead(&row, reason);
        state.stay_parked(row);
        Disposition::Parked
    }

    pub fn defer(&mut self, why: &str, config: &RuntimeConfig) -> Deferred {
        self.row.failed_again(why, config.clock.now(), &config.retry);
        let mut changes = ParkingChanges::default();
        changes.copy_if_dead(&self.row, DeadLetterReason::Failed);
        changes.changed.push(self.row.clone());
        Deferred::Park(changes)
    }
}

/// The parked records that are due, each with the records that queue behind it.
pub(crate) async fn due<P: Participant>(
    db: &Db,
    config: &RuntimeConfig,
    subscriptions: &Subscriptions,
    queues: &mut ParkedQueues,
) -> Result<Vec<Item<P::Input>>, StoreError> {
    let now = config.clock.now();
    let due = queues.due(now);
    let mut items = Vec::new();
    if due.is_empty() {
        return Ok(items);
    }
    let tx = db.begin().await?;
    for queue in due {
        let rows = parking::rows_of(&tx, config.participant, &queue).await?;
        let Some(head) = rows.first() else {
            queues.clear(&queue); // it has drained
            continue;
        };
        if head.is_dead() {
            queues.set(queue, Head::Dead);
            continue;
        }
        // Not taken a second time while it is in a batch; nor soon, when this program cannot read it.
        queues.set(queue, Head::Due(now + RETRY_UNREADABLE));
        for row in rows.into_iter().take_while(|row| !row.is_dead()) {
            let delivery = row.to_record().and_then(|record| decode_record::<P>(subscriptions, &record).ok()).flatten();
            let Some(delivery) = delivery else {
                warn!(parked.id = %row.id, "a parked record cannot be read by this program");
                break;
            };
            items.push(Item::new(delivery, Source::Parked(ParkedSource { row })));
        }
    }
    tx.commit().await?;
    Ok(items)
}

const RETRY_UNREADABLE: chrono::TimeDelta = chrono::TimeDelta::seconds(30);
