//! What an attempt knows and writes besides the workset.

use super::RuntimeConfig;
use crate::{
    Consequences,
    dead_letter::{
        parking::ParkingChanges,
        queues::{Head, ParkedView},
    },
    source::{
        DedupState, outcome,
        reminder::{self, Postponed},
    },
    tables::{idempotency, parked},
};
use chrono::{DateTime, Utc};
use store::{StoreError, Tx, bulk};

/// The state of one attempt at a batch, shared by all sources.
pub(crate) struct BatchState<'a> {
    /// The time of all decisions of the batch.
    pub now: DateTime<Utc>,
    pub config: &'a RuntimeConfig,
    pub dedup: DedupState,
    pub parked: ParkedView<'a>,
    pub writes: BatchWrites,
    pub out: Consequences,
}

/// What a batch writes besides workset and consequences.
#[derive(Default)]
pub(crate) struct BatchWrites {
    pub answers: Vec<idempotency::Model>,
    pub outcomes: outcome::Writes,
    pub postponed: Vec<Postponed>,
    pub parking: ParkingChanges,
}

impl BatchState<'_> {
    /// Parks a record that is not parked yet.
    pub fn park(&mut self, row: parked::Model) {
        self.parked.set(row.queue(), Head::from(&row));
        self.writes.parking.new.push(row);
    }

    /// The head of a queue was tried and stays parked: the records behind it are blocked in this round.
    pub fn stay_parked(&mut self, row: parked::Model) {
        self.parked.block(row.queue(), Head::from(&row));
        self.writes.parking.changed.push(row);
    }

    /// A parked record is decided. The next one of its queue, if there is one, is due at once.
    pub fn unpark(&mut self, row: &parked::Model) {
        self.parked.set(row.queue(), Head::Due(self.now));
        self.writes.parking.gone.push(row.id);
    }
}

impl BatchWrites {
    pub async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        bulk::insert::<idempotency::Entity>(tx, self.answers).await?;
        self.outcomes.save(tx).await?;
        reminder::postpone(tx, &self.postponed).await?;
        self.parking.save(tx).await
    }
}
