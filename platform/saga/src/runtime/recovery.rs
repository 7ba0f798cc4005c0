//! What happens when an attempt fails. While the database is unavailable, and after a conflict, it is repeated; otherwise the batch
//! is divided until the input at fault stands alone.

use store::{StoreError, Tx};
use telemetry::error_chain;
use tracing::{error, warn};

use super::{Item, MAX_BACKOFF, Runtime, transaction::Failure};
use crate::{
    Participant, Stopped,
    backoff::Backoff,
    dead_letter::{parking::ParkingChanges, queues::Head},
    outbox,
    source::{
        outcome::{self, Rescheduled},
        reminder::{self, Postponed},
    },
};

/// Attempts after the first when rows were there that were not expected.
const MAX_CONFLICTS: u32 = 3;

impl<P: Participant> Runtime<P> {
    /// Decides about all items, in order. Waits while the database is unavailable; an item that fails is deferred, and the
    /// others go on without it.
    ///
    /// # Errors
    /// `Stopped`: the database is away and the process shuts down. What is not decided then comes again: its offset is not
    /// committed, its row is still stored, its caller gets `Failed`.
    pub(crate) async fn process(&mut self, mut items: Vec<Item<P::Input>>) -> Result<(), Stopped> {
        self.parked.begin_round();
        let whole = 0..items.len();
        let mut parts = vec![whole]; // the last comes first
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let Some(failure) = self.decide_until_committed(&mut items[part.clone()]).await? else { continue };
            let split = match failure {
                _ if part.len() == 1 => 0,
                // What comes before the offender goes first. Then the offender is at the head of its part.
                Failure::Decision { index, .. } => index,
                Failure::Store(_) | Failure::Commit { .. } | Failure::Panic(_) => part.len() / 2,
            };
            if split > 0 {
                let middle = part.start + split;
                parts.extend([middle..part.end, part.start..middle]);
                continue;
            }
            parts.push(part.start + 1..part.end);
            self.defer(&mut items[part.start], &failure.message()).await?;
        }
        Ok(())
    }

    /// The item cannot be decided now. It is not lost, and holds up only its own successors.
    async fn defer(&mut self, item: &mut Item<P::Input>, why: &str) -> Result<(), Stopped> {
        let Item { delivery, source, .. } = item;
        error!(service = self.config.service, source = ?delivery.source, order.id = %delivery.key, error = why, "an input failed and is deferred");
        let Some(deferred) = source.defer(delivery, why, &self.config) else { return Ok(()) };
        let written = self.retry_until_committed(&deferred).await;
        if let Deferred::Park(changes) = deferred {
            for row in changes.changed {
                self.parked.block(row.queue(), Head::from(&row));
            }
        }
        written
    }

    /// Decides the items in one transaction. `Ok(Some(failure))`: they are to blame, and nothing of them is saved.
    ///
    /// # Errors
    /// `Stopped`: the database is away and the process shuts down.
    pub(super) async fn decide_until_committed(
        &mut self,
        items: &mut [Item<P::Input>],
    ) -> Result<Option<Failure>, Stopped> {
        let mut backoff = Backoff::new(MAX_BACKOFF, &self.stop);
        let mut conflicts = 0;
        loop {
            let failure = match self.attempt(items).await {
                Ok(done) => {
                    self.committed(items, done);
                    return Ok(None);
                }
                Err(Failure::Commit { error, requests }) => {
                    if let StoreError::Unavailable(_) = &error {
                        // The answer is lost: if the requests are stored, the next attempt sees only repeats.
                        self.effects.ownership.give_back(requests);
                    }
                    Failure::Store(error)
                }
                Err(failure) => failure,
            };
            match failure {
                Failure::Store(error @ StoreError::Unavailable(_)) => self.unavailable(&error, &mut backoff).await?,
                Failure::Store(StoreError::Conflict(_)) if conflicts < MAX_CONFLICTS => conflicts += 1,
                failure => return Ok(Some(failure)),
            }
        }
    }

    /// Writes it in a transaction of its own.
    ///
    /// # Errors
    /// `Stopped`: the database is away and the process shuts down.
    pub(super) async fn retry_until_committed(&self, deferred: &Deferred) -> Result<(), Stopped> {
        let mut backoff = Backoff::new(MAX_BACKOFF, &self.stop);
        while let Err(error) = self.write_deferred(deferred).await {
            self.unavailable(&error, &mut backoff).await?;
        }
        Ok(())
    }

    async fn write_deferred(&self, deferred: &Deferred) -> Result<(), StoreError> {
        let tx = self.db.begin().await?;
        let row = deferred.save(&tx, self.config.clock.now()).await?;
        let announced = self.outbox.announce();
        tx.commit().await?;
        if let Some(row) = row {
            self.outbox.send(outbox::Pending { row: row.committed(), announced });
        }
        Ok(())
    }

    /// Waits while the database is unavailable. Logs once per outage.
    pub(super) async fn unavailable(&self, error: &StoreError, backoff: &mut Backoff) -> Result<(), Stopped> {
        if backoff.is_fresh() {
            let error = error_chain(error);
            warn!(service = self.config.service, error, "the database is unavailable; retrying until it is back");
        }
        backoff.wait().await
    }
}

/// What is written about inputs that could not be decided.
pub(crate) enum Deferred {
    Park(ParkingChanges),
    Reschedule(Vec<Rescheduled>),
    Postpone(Postponed),
}

impl Deferred {
    /// The copies of dead letters go to the outbox.
    async fn save(&self, tx: &Tx, now: chrono::DateTime<chrono::Utc>) -> Result<Option<outbox::Inserted>, StoreError> {
        match self {
            Self::Park(changes) => {
                changes.save(tx).await?;
                outbox::insert(tx, now, changes.copies.clone()).await
            }
            Self::Reschedule(requests) => outcome::reschedule(tx, requests).await.map(|()| None),
            Self::Postpone(reminder) => reminder::postpone(tx, std::slice::from_ref(reminder)).await.map(|()| None),
        }
    }
}
