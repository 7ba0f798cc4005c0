//! Events from the bus.

use std::collections::HashSet;

use bus::Record;
use store::{StoreError, Tx, bulk};
use uuid::Uuid;

use super::Source;
use crate::{
    Delivery, Verdict,
    dead_letter::{
        DeadLetterReason,
        parking::{self, ParkingChanges, State, delta},
        queues::{Head, Queue},
    },
    inbox,
    runtime::{BatchState, Deferred, Disposition, Item, RuntimeConfig},
    tables::parked,
};

pub(crate) struct EventSource {
    pub record: Record,
}

/// Which events of a batch are known.
#[derive(Default)]
pub(crate) struct Lookup {
    /// Parked already. Not all of them are known in memory: the process that had the partition before may have parked a record
    /// after this one has loaded its queues.
    parked: HashSet<Uuid>,
    /// Decided by a program before [`Seen`](crate::Seen), or met earlier in this batch.
    pub known: HashSet<Uuid>,
}

impl Lookup {
    pub async fn load<I>(tx: &Tx, items: &[Item<I>], config: &RuntimeConfig) -> Result<Self, StoreError> {
        let is_event = |item: &&Item<I>| matches!(item.source, Source::Event(_) | Source::Parked(_));
        let ids: Vec<Uuid> = items.iter().filter(is_event).map(|item| item.delivery.id).collect();
        let parked = bulk::select::<parked::Entity>(tx, &ids, false).await?;
        let known = if config.has_inbox && config.recognises_repeats() {
            inbox::decided(tx, config.participant, ids).await?
        } else {
            HashSet::new()
        };
        Ok(Self { parked: parked.into_iter().map(|row| row.id).collect(), known })
    }
}

impl EventSource {
    fn queue<I>(&self, delivery: &Delivery<I>) -> Queue {
        (delivery.key.to_string(), self.record.topic.clone())
    }

    pub fn dedupe<I>(
        &self,
        delivery: &Delivery<I>,
        is_repeat: bool,
        state: &mut BatchState<'_>,
    ) -> Option<Disposition> {
        let (now, config) = (state.now, state.config);
        if state.dedup.events.parked.contains(&delivery.id) {
            let queue = self.queue(delivery);
            if !state.parked.blocks(&queue) {
                state.parked.set(queue, Head::Due(now));
            }
            return Some(Disposition::Parked);
        }
        let is_known = config.recognises_repeats() && !state.dedup.events.known.insert(delivery.id);
        if is_repeat || is_known {
            return Some(Disposition::Repeated);
        }
        if !state.parked.is_empty() && state.parked.blocks(&self.queue(delivery)) {
            let why = "waits behind an earlier record of its key";
            let row = parking::row(delivery.id, config.participant, &self.record, State::Queued, why, now, now);
            state.writes.parking.new.push(row);
            return Some(Disposition::Parked);
        }
        None
    }

    pub fn apply<I>(&self, delivery: &Delivery<I>, verdict: Verdict, state: &mut BatchState<'_>) -> Disposition {
        let (now, config) = (state.now, state.config);
        let row = |parked_as, why: &str, next_try| {
            parking::row(delivery.id, config.participant, &self.record, parked_as, why, now, next_try)
        };
        match verdict {
            Verdict::Hold(why) => {
                let limit = now + delta(config.retry.hold);
                state.park(row(State::Held, why, parking::next_look(now, now).min(limit)));
                Disposition::Parked
            }
            Verdict::Reject(why) => {
                let row = row(State::Dead, &why, now);
                state.writes.parking.copy_if_dead(&row, DeadLetterReason::Rejected);
                state.park(row);
                Disposition::Parked
            }
            verdict => Disposition::Decided(verdict),
        }
    }

    pub fn defer<I>(&self, delivery: &Delivery<I>, why: &str, config: &RuntimeConfig) -> Deferred {
        let now = config.clock.now();
        let next_try = now + delta(config.retry.first_retry);
        let row = parking::row(delivery.id, config.participant, &self.record, State::Failing, why, now, next_try);
        Deferred::Park(ParkingChanges { changed: vec![row], ..ParkingChanges::default() })
    }
}

/// A record that cannot be decoded becomes a dead letter at once. It may have been one before, when its offset was not
/// committed: then the row is the same.
pub(crate) fn undecodable(record: &Record, why: &str, config: &RuntimeConfig) -> Deferred {
    let now = config.clock.now();
    let id = parking::id_of(config.participant, record);
    let row = parking::row(id, config.participant, record, State::Dead, why, now, now);
    let mut changes = ParkingChanges::default();
    changes.copy_if_dead(&row, DeadLetterReason::Undecodable);
    changes.changed.push(row);
    Deferred::Park(changes)
}
