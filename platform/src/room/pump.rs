//! From the bus into a room.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::{Heard, Incoming, Source, events::decode};
use crate::{
    Participant, Shutdown,
    bus::{Partition, Position, Record, Subscription},
};

/// A record that can be read, or one that cannot, and why.
pub(super) type Decoded<I> = Result<Incoming<I>, (Record, String)>;

/// Records taken from the bus.
pub(super) struct Chunk<I> {
    /// Every partition that is ours, when that has changed since the last chunk.
    pub ours: Option<BTreeSet<Partition>>,
    /// There are more where these come from.
    pub more: bool,
    events: Vec<Decoded<I>>,
    done: oneshot::Sender<()>,
    lost: Lost,
}

/// Partitions that were given away while records of theirs waited.
type Lost = Arc<Mutex<BTreeSet<Partition>>>;

impl<I> Chunk<I> {
    /// How many records.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// What is to be decided; and whom to tell when that is done. What has gone to somebody else meanwhile is left out.
    pub fn open(mut self) -> (Vec<Decoded<I>>, oneshot::Sender<()>) {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if !lost.is_empty() {
            self.events.retain(|event| !lost.contains(&partition_of(event)));
        }
        drop(lost);
        (self.events, self.done)
    }
}

fn partition_of<I>(event: &Decoded<I>) -> Partition {
    let (Ok(Incoming { source: Source::Event(record), .. }) | Err((record, _))) = event else {
        unreachable!("the bus brings events only")
    };
    Partition { topic: record.topic.clone(), partition: record.partition }
}

/// A chunk that the room has.
struct AtWork {
    /// What is dealt with when it is done.
    positions: Vec<Position>,
    lost: Lost,
    done: oneshot::Receiver<()>,
}

impl AtWork {
    fn lose(&mut self, revoked: &[Partition]) {
        self.positions.retain(|position| !revoked.contains(&position.partition));
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).extend(revoked.iter().cloned());
    }
}

/// Brings records from the bus into the room, and commits what it has dealt with.
pub(super) async fn pump<P: Participant>(
    mut subscription: Box<dyn Subscription>,
    heard: Arc<Heard>,
    batch: usize,
    linger: Duration,
    chunks: mpsc::Sender<Chunk<P::Input>>,
    stopping: Shutdown,
) {
    let mut at_work: VecDeque<AtWork> = VecDeque::new();
    let mut ours = BTreeSet::new();
    let mut failures = 0_u32;
    loop {
        tokio::select! {
            biased;
            done = async { (&mut at_work.front_mut().expect("not empty").done).await }, if !at_work.is_empty() => {
                let AtWork { positions, .. } = at_work.pop_front().expect("not empty");
                if done.is_err() {
                    break; // the room is gone, and these are not decided
                }
                if let Err(error) = subscription.commit(&positions).await {
                    warn!(%error, "positions cannot be committed now; repeats are possible");
                }
            }
            () = stopping.wait() => break,
            taken = subscription.next(batch), if at_work.len() < 2 => {
                let taken = match taken {
                    Ok(taken) => taken,
                    Err(error) => {
                        failures += 1;
                        if failures == 1 {
                            warn!(%error, "the bus cannot be read now; trying until it can");
                        }
                        let wait = Duration::from_millis((25 << failures.min(8)).min(5000));
                        tokio::select! { () = tokio::time::sleep(wait) => {} () = stopping.wait() => {} }
                        continue;
                    }
                };
                failures = 0;
                let changed = !taken.assigned.is_empty() || !taken.revoked.is_empty();
                for chunk in &mut at_work {
                    chunk.lose(&taken.revoked);
                }
                ours.retain(|partition| !taken.revoked.contains(partition));
                ours.extend(taken.assigned);
                let positions = positions(&taken.records);
                // Who is behind does not wait for more.
                let few = !taken.more && (1..batch / 2).contains(&taken.records.len());
                let events = taken.records.into_iter().filter_map(|record| incoming::<P>(&heard, record)).collect();
                let ((done, is_done), lost) = (oneshot::channel(), Lost::default());
                at_work.push_back(AtWork { positions, lost: lost.clone(), done: is_done });
                let ours = changed.then(|| ours.clone());
                if chunks.send(Chunk { ours, more: taken.more, events, done, lost }).await.is_err() {
                    break;
                }
                if few && !linger.is_zero() {
                    tokio::select! { () = tokio::time::sleep(linger) => {} () = stopping.wait() => {} }
                }
            }
        }
    }
    // What the room has taken it finishes.
    drop(chunks);
    while let Some(AtWork { positions, done, .. }) = at_work.pop_front() {
        if done.await.is_err() {
            break;
        }
        drop(subscription.commit(&positions).await);
    }
    subscription.close().await;
}

fn incoming<P: Participant>(heard: &Heard, record: Record) -> Option<Decoded<P::Input>> {
    match decode::<P>(heard, &record) {
        Ok(delivery) => Some(Ok(Incoming { delivery: delivery?, source: Source::Event(record) })),
        Err(error) => Some(Err((record, error.0))),
    }
}

/// The positions behind these records.
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
