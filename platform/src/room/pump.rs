//! From the bus into a room.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
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

/// Records taken from the bus. Answered when all of them are dealt with.
pub(super) struct Chunk<I> {
    pub events: Vec<Decoded<I>>,
    pub done: oneshot::Sender<()>,
}

/// Brings records from the bus into the room, and commits what it has dealt with.
pub(super) async fn pump<P: Participant>(
    mut subscription: Box<dyn Subscription>,
    heard: Arc<Heard>,
    batch: usize,
    linger: Option<Duration>,
    chunks: mpsc::Sender<Chunk<P::Input>>,
    stopping: Shutdown,
) {
    let mut at_work: VecDeque<(Vec<Position>, oneshot::Receiver<()>)> = VecDeque::new();
    let mut failures = 0_u32;
    loop {
        tokio::select! {
            biased;
            done = async { (&mut at_work.front_mut().expect("not empty").1).await }, if !at_work.is_empty() => {
                let (positions, _) = at_work.pop_front().expect("not empty");
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
                let positions = positions(&taken.records);
                let few = taken.records.len() < batch / 2;
                let events = taken.records.into_iter().filter_map(|record| incoming::<P>(&heard, record)).collect();
                let (done, is_done) = oneshot::channel();
                at_work.push_back((positions, is_done));
                if chunks.send(Chunk { events, done }).await.is_err() {
                    break;
                }
                if let Some(linger) = linger.filter(|_| few) {
                    tokio::select! { () = tokio::time::sleep(linger) => {} () = stopping.wait() => {} }
                }
            }
        }
    }
    // What the room has taken it finishes.
    drop(chunks);
    while let Some((positions, done)) = at_work.pop_front() {
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
