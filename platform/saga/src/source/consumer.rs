//! The consumer: brings records from the bus to the batch loop, and commits the offsets of what is decided.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bus::{Partition, Position, Record, Subscription};
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Source, event::EventSource};
use crate::{
    Participant, Stopped, Subscriptions,
    backoff::Backoff,
    decode::decode_record,
    runtime::{Item, MAX_BACKOFF},
};

/// A record as an input, or the record and why it cannot be decoded.
pub(crate) type Decoded<I> = Result<Item<I>, (Record, String)>;

/// Batches that may be in the batch loop's hands: one is decoded while the one before is in the database.
const MAX_IN_FLIGHT: usize = 2;

/// Records taken from the bus.
pub(crate) struct PolledBatch<I> {
    /// All assigned partitions, when they have changed since the last batch.
    pub assigned: Option<BTreeSet<Partition>>,
    /// The bus has more records already.
    pub has_more: bool,
    records: Vec<Decoded<I>>,
    done: oneshot::Sender<()>,
    revoked: Revoked,
}

/// Partitions that were revoked while the batch waited.
type Revoked = Arc<Mutex<BTreeSet<Partition>>>;

impl<I> PolledBatch<I> {
    /// How many records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// The records whose partitions are still assigned, and where to say that they are decided.
    pub fn open(mut self) -> (Vec<Decoded<I>>, oneshot::Sender<()>) {
        let revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        if !revoked.is_empty() {
            self.records.retain(|record| !revoked.contains(&partition_of(record)));
        }
        drop(revoked);
        (self.records, self.done)
    }
}

fn partition_of<I>(decoded: &Decoded<I>) -> Partition {
    let (Ok(Item { source: Source::Event(EventSource { record }), .. }) | Err((record, _))) = decoded else {
        unreachable!("the bus brings events only")
    };
    Partition { topic: record.topic.clone(), partition: record.partition }
}

/// A batch in the batch loop's hands.
struct InFlight {
    /// The offsets to commit when it is decided.
    positions: Vec<Position>,
    revoked: Revoked,
    done: oneshot::Receiver<()>,
}

impl InFlight {
    fn revoke(&mut self, revoked: &[Partition]) {
        self.positions.retain(|position| !revoked.contains(&position.partition));
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner).extend(revoked.iter().cloned());
    }
}

pub(crate) struct Consumer<I> {
    pub subscription: Box<dyn Subscription>,
    pub subscriptions: Arc<Subscriptions>,
    /// Records in a batch, at most.
    pub max_batch: usize,
    /// How long a few records wait for more.
    pub linger: Duration,
    pub batches: mpsc::Sender<PolledBatch<I>>,
    pub stop: CancellationToken,
}

impl<I: Send + 'static> Consumer<I> {
    /// Runs until the process shuts down or the batch loop ends. Then waits for the batches in flight and leaves the group.
    pub async fn run<P: Participant<Input = I>>(mut self) {
        let mut in_flight = VecDeque::new();
        drop(self.consume::<P>(&mut in_flight).await); // stopped: the rest is the same
        let Self { mut subscription, batches, .. } = self;
        drop(batches);
        for InFlight { positions, done, .. } in in_flight {
            if done.await.is_err() {
                break; // this and what follows is not decided
            }
            drop(subscription.commit(&positions).await);
        }
        subscription.close().await;
    }

    async fn consume<P: Participant<Input = I>>(&mut self, in_flight: &mut VecDeque<InFlight>) -> Result<(), Stopped> {
        let mut assigned = BTreeSet::new();
        let mut backoff = Backoff::new(MAX_BACKOFF, &self.stop);
        loop {
            tokio::select! {
                biased;
                decided = async { (&mut in_flight.front_mut().expect("not empty").done).await }, if !in_flight.is_empty() => {
                    let InFlight { positions, .. } = in_flight.pop_front().expect("not empty");
                    if decided.is_err() {
                        return Err(Stopped); // the batch loop has ended
                    }
                    if let Err(error) = self.subscription.commit(&positions).await {
                        warn!(%error, "offsets cannot be committed now; records may be delivered again");
                    }
                }
                () = self.stop.cancelled() => return Err(Stopped),
                polled = self.subscription.next(self.max_batch), if in_flight.len() < MAX_IN_FLIGHT => {
                    let polled = match polled {
                        Ok(polled) => polled,
                        Err(error) => {
                            if backoff.is_fresh() {
                                warn!(%error, "the bus cannot be read now; retrying until it can");
                            }
                            backoff.wait().await?;
                            continue;
                        }
                    };
                    backoff.reset();
                    let has_changed = !polled.assigned.is_empty() || !polled.revoked.is_empty();
                    for batch in in_flight.iter_mut() {
                        batch.revoke(&polled.revoked);
                    }
                    assigned.retain(|partition| !polled.revoked.contains(partition));
                    assigned.extend(polled.assigned);
                    // A consumer that is behind does not wait for more.
                    let is_small = !polled.more && (1..self.max_batch / 2).contains(&polled.records.len());
                    let positions = positions(&polled.records);
                    let records = polled.records.into_iter().filter_map(|record| self.decode::<P>(record)).collect();
                    let ((done, is_done), revoked) = (oneshot::channel(), Revoked::default());
                    in_flight.push_back(InFlight { positions, revoked: revoked.clone(), done: is_done });
                    let assigned = has_changed.then(|| assigned.clone());
                    let batch = PolledBatch { assigned, has_more: polled.more, records, done, revoked };
                    self.batches.send(batch).await.map_err(|_| Stopped)?;
                    if is_small && !self.linger.is_zero() {
                        tokio::select! { () = sleep(self.linger) => {} () = self.stop.cancelled() => {} }
                    }
                }
            }
        }
    }

    /// `None`: an event that this participant does not react to.
    fn decode<P: Participant<Input = I>>(&self, record: Record) -> Option<Decoded<I>> {
        match decode_record::<P>(&self.subscriptions, &record) {
            Ok(delivery) => Some(Ok(Item::new(delivery?, Source::Event(EventSource { record })))),
            Err(error) => Some(Err((record, error.0))),
        }
    }
}

/// The positions after these records.
fn positions(records: &[Record]) -> Vec<Position> {
    let mut next: BTreeMap<(&Arc<str>, i32), i64> = BTreeMap::new();
    for record in records {
        next.insert((&record.topic, record.partition), record.offset + 1);
    }
    let position = |((topic, partition), next): ((&Arc<str>, i32), i64)| Position {
        partition: Partition { topic: topic.clone(), partition },
        next,
    };
    next.into_iter().map(position).collect()
}

#[cfg(test)]
mod tests;
