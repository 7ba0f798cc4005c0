//! The state shared by a consumer's thread and its subscription: the buffered records and the offsets to commit.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::{Notify, watch};

use super::{closed, names::Names};
use crate::{BusError, Partition, Position, Record, Taken};

/// The size at which the buffer is full: records, and bytes.
const MAX_BUFFERED: usize = 4000;
const MAX_BUFFERED_BYTES: usize = 8 << 20;

/// The state shared by the thread, the member and the bus.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Notified when there are records, changed assignments or an error for the subscription.
    filled: Notify,
    /// Notified when the buffer has space again, and at shutdown.
    drained: Condvar,
    ended: watch::Sender<bool>,
    pub names: Names,
    /// The consumer group; empty for a follower.
    pub group: String,
}

#[derive(Default)]
struct State {
    records: VecDeque<Record>,
    bytes: usize,
    assigned: Vec<Partition>,
    revoked: Vec<Partition>,
    /// The assigned partitions, with their progress in this process.
    ours: BTreeMap<Partition, Progress>,
    /// Some processed positions are not yet passed to librdkafka.
    uncommitted: bool,
    failure: Option<BusError>,
    /// The reason why no more records will come.
    broken: Option<String>,
    stop: bool,
}

#[derive(Default, Clone, Copy)]
struct Progress {
    /// The processed position.
    next: Option<i64>,
    /// The position passed to librdkafka.
    stored: Option<i64>,
}

impl Shared {
    pub fn new(names: Names, group: &str) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            filled: Notify::new(),
            drained: Condvar::new(),
            ended: watch::Sender::new(false),
            names,
            group: group.to_owned(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn partition(&self, actual: &str, partition: i32) -> Partition {
        Partition { topic: self.names.logical(actual), partition }
    }

    pub fn partitions(&self, list: &TopicPartitionList) -> Vec<Partition> {
        list.elements().iter().map(|it| self.partition(it.topic(), it.partition())).collect()
    }

    /// Waits until there is something to return. Taking records removes them from the buffer, so no `await` may follow:
    /// if the future were dropped there, the records would be lost.
    pub async fn next(&self, most: usize) -> Result<Taken, BusError> {
        loop {
            {
                let mut state = self.state();
                if state.stop {
                    return Err(closed());
                }
                if let Some(failure) = state.failure.take() {
                    return Err(failure);
                }
                if !state.records.is_empty() || !state.assigned.is_empty() || !state.revoked.is_empty() {
                    return Ok(self.take(&mut state, most.max(1)));
                }
                if let Some(why) = &state.broken {
                    return Err(BusError::Unavailable(why.clone()));
                }
            }
            self.filled.notified().await;
        }
    }

    fn take(&self, state: &mut State, most: usize) -> Taken {
        let was_full = state.is_full();
        let count = most.min(state.records.len());
        let records: Vec<_> = state.records.drain(..count).collect();
        state.bytes -= records.iter().map(|it| it.message.size()).sum::<usize>();
        if was_full && !state.is_full() {
            self.drained.notify_all();
        }
        if !state.records.is_empty() {
            self.filled.notify_one(); // for the next call
        }
        let (assigned, revoked) = (std::mem::take(&mut state.assigned), std::mem::take(&mut state.revoked));
        Taken { records, assigned, revoked, more: !state.records.is_empty() }
    }

    /// Stores processed positions; the thread commits them. Positions of partitions that are not assigned are ignored.
    pub fn commit(&self, upto: &[Position]) {
        let mut state = self.state();
        for Position { partition, next } in upto {
            if let Some(progress) = state.ours.get_mut(partition) {
                progress.next = progress.next.max(Some(*next));
                state.uncommitted |= progress.next != progress.stored;
            }
        }
    }

    /// The processed positions of the assigned partitions, as far as this process has processed records.
    pub fn positions(&self) -> Vec<Position> {
        let state = self.state();
        let known = |(partition, progress): (&Partition, &Progress)| {
            progress.next.map(|next| Position { partition: partition.clone(), next })
        };
        state.ours.iter().filter_map(known).collect()
    }

    pub fn ours(&self) -> Vec<Partition> {
        self.state().ours.keys().cloned().collect()
    }

    /// Waits up to this time for the stop signal. Returns whether the thread must stop.
    pub fn stops_within(&self, wait: Duration) -> bool {
        let waited = self.drained.wait_timeout_while(self.state(), wait, |state| !state.stop);
        waited.unwrap_or_else(PoisonError::into_inner).0.stop
    }

    /// Stops the thread. It commits the processed positions and leaves the group.
    pub fn stop(&self) {
        let mut state = self.state();
        state.stop = true;
        state.records.clear();
        state.bytes = 0;
        drop(state);
        self.drained.notify_all();
        self.filled.notify_one();
    }

    /// Waits until the thread has ended. librdkafka can hang while it leaves the group: the caller must set a time-out.
    pub async fn ended(&self) {
        let mut ended = self.ended.subscribe();
        let _ = ended.wait_for(|ended| *ended).await; // an error means that it has ended
    }

    /// Waits up to this time while the buffer is full. Returns whether it is still full, and whether to stop.
    pub fn wait_for_space(&self, wait: Duration) -> (bool, bool) {
        let full = |state: &mut State| state.is_full() && !state.stop;
        let waited = self.drained.wait_timeout_while(self.state(), wait, full);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (state.is_full(), state.stop)
    }

    /// Records that the thread has ended.
    pub fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Moves polled records to the buffer. Drops records of partitions that are no longer assigned.
    pub fn deliver(&self, batch: &mut Vec<Record>) {
        let mut state = self.state();
        let state = &mut *state;
        if state.stop || batch.is_empty() {
            batch.clear();
            return;
        }
        let mut last: Option<(Arc<str>, i32)> = None; // consecutive records mostly have the same partition
        for record in batch.drain(..) {
            let same = last
                .as_ref()
                .is_some_and(|(topic, number)| *number == record.partition && Arc::ptr_eq(topic, &record.topic));
            if !same {
                let partition = Partition { topic: record.topic.clone(), partition: record.partition };
                if !state.ours.contains_key(&partition) {
                    continue; // revoked since the poll
                }
                last = Some((partition.topic, partition.partition));
            }
            state.bytes += record.message.size();
            state.records.push_back(record);
        }
        self.filled.notify_one();
    }

    pub fn assign(&self, partitions: Vec<Partition>) {
        let mut state = self.state();
        for partition in &partitions {
            state.ours.insert(partition.clone(), Progress::default());
        }
        state.assigned.extend(partitions);
        drop(state);
        self.filled.notify_one();
    }

    pub fn revoke(&self, partitions: &[Partition]) {
        let mut state = self.state();
        let state = &mut *state;
        for partition in partitions {
            if state.ours.remove(partition).is_none() {
                continue;
            }
            // If the subscription does not know of the assignment, it need not know of the revocation.
            match state.assigned.iter().position(|it| it == partition) {
                Some(unreported) => drop(state.assigned.swap_remove(unreported)),
                None => state.revoked.push(partition.clone()),
            }
        }
        let (ours, bytes) = (&state.ours, &mut state.bytes);
        state.records.retain(|it| {
            let ours = ours.contains_key(&Partition { topic: it.topic.clone(), partition: it.partition });
            *bytes -= if ours { 0 } else { it.message.size() };
            ours
        });
        self.filled.notify_one();
    }

    pub fn fail(&self, failure: BusError) {
        self.state().failure = Some(failure);
        self.filled.notify_one();
    }

    /// Ends the subscription with an error: no more records will come.
    pub fn fail_permanently(&self, why: String) {
        self.state().broken = Some(why);
        self.filled.notify_one();
    }

    /// Returns the processed positions that librdkafka does not have yet, of some partitions or of all, and marks
    /// them as stored.
    pub fn uncommitted(&self, of: Option<&[Partition]>) -> Option<TopicPartitionList> {
        let mut state = self.state();
        if !state.uncommitted {
            return None;
        }
        state.uncommitted = of.is_some();
        let mut list = TopicPartitionList::new();
        for (partition, progress) in &mut state.ours {
            if of.is_some_and(|some| !some.contains(partition)) || progress.next == progress.stored {
                continue;
            }
            if let (Some(next), Some(actual)) = (progress.next, self.names.actual_of(&partition.topic)) {
                progress.stored = progress.next;
                drop(list.add_partition_offset(actual, partition.partition, Offset::Offset(next)));
            }
        }
        (list.count() > 0).then_some(list)
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.records.len() >= MAX_BUFFERED || self.bytes >= MAX_BUFFERED_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn next_reports_whether_more_records_are_buffered() {
        let shared = Shared::new(Names::default(), "g");
        let topic: Arc<str> = "t".into();
        shared.assign(vec![Partition { topic: topic.clone(), partition: 0 }]);
        let record = |offset| Record { topic: topic.clone(), partition: 0, offset, message: Arc::default() };
        shared.deliver(&mut (0..5).map(record).collect());
        for (count, more) in [(2, true), (2, true), (1, false)] {
            let taken = shared.next(2).await.unwrap();
            assert_eq!((taken.records.len(), taken.more), (count, more));
        }
    }
}
