//! Records that the consumer's thread has taken and the subscription has not, and the offsets to commit.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::{Notify, watch};

use super::{closed, names::Names};
use crate::{BusError, Partition, Position, Record, Taken};

/// Records kept for the subscription, at most; and their bytes.
const KEPT: usize = 4000;
const KEPT_BYTES: usize = 8 << 20;

/// What thread, member and bus have in common.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Notified when there is something for the subscription.
    filled: Notify,
    /// Notified when there is space again, or at shutdown.
    drained: Condvar,
    ended: watch::Sender<bool>,
    pub names: Names,
    /// Consumer group; empty when it reads without.
    pub group: String,
}

#[derive(Default)]
struct State {
    records: VecDeque<Record>,
    bytes: usize,
    assigned: Vec<Partition>,
    revoked: Vec<Partition>,
    /// Our partitions, and up to where they are dealt with, as far as that happened here.
    ours: BTreeMap<Partition, Progress>,
    /// Some of that the library does not know yet.
    unsaid: bool,
    failure: Option<BusError>,
    /// No record will ever come again.
    broken: Option<String>,
    stop: bool,
}

#[derive(Default, Clone, Copy)]
struct Progress {
    next: Option<i64>,
    said: Option<i64>,
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

    /// Waits until something is there. What is handed out is not kept, so nothing may be awaited after that.
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
                state.unsaid |= progress.next != progress.said;
            }
        }
    }

    /// Up to where our partitions are dealt with, as far as that happened here.
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

    /// Whether it is to stop, now or within this time.
    pub fn stops_within(&self, wait: Duration) -> bool {
        let waited = self.drained.wait_timeout_while(self.state(), wait, |state| !state.stop);
        waited.unwrap_or_else(PoisonError::into_inner).0.stop
    }

    /// Makes the thread end. It commits what is processed, and leaves the group.
    pub fn stop(&self) {
        let mut state = self.state();
        state.stop = true;
        state.records.clear();
        state.bytes = 0;
        drop(state);
        self.drained.notify_all();
        self.filled.notify_one();
    }

    /// Until the thread has ended. The library can hang while it leaves: the caller has to bound the wait.
    pub async fn ended(&self) {
        let mut ended = self.ended.subscribe();
        let _ = ended.wait_for(|ended| *ended).await; // an error: it is gone altogether
    }

    /// Waits a little when enough is kept. What then is still so, and whether it is time to stop.
    pub fn room(&self, wait: Duration) -> (bool, bool) {
        let full = |state: &mut State| state.is_full() && !state.stop;
        let waited = self.drained.wait_timeout_while(self.state(), wait, full);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (state.is_full(), state.stop)
    }

    /// The thread is gone.
    pub fn end(&self) {
        self.ended.send_replace(true);
    }

    /// What has come is ours to keep.
    pub fn deliver(&self, batch: &mut Vec<Record>) {
        let mut state = self.state();
        let state = &mut *state;
        if state.stop || batch.is_empty() {
            batch.clear();
            return;
        }
        let mut last: Option<(Arc<str>, i32)> = None; // records come in runs of one partition
        for record in batch.drain(..) {
            let same = last
                .as_ref()
                .is_some_and(|(topic, number)| *number == record.partition && Arc::ptr_eq(topic, &record.topic));
            if !same {
                let partition = Partition { topic: record.topic.clone(), partition: record.partition };
                if !state.ours.contains_key(&partition) {
                    continue; // given away meanwhile
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
            // Who has not heard yet that it came need not hear that it went.
            match state.assigned.iter().position(|it| it == partition) {
                Some(unheard) => drop(state.assigned.swap_remove(unheard)),
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

    /// No record will ever come again.
    pub fn broke(&self, why: String) {
        self.state().broken = Some(why);
        self.filled.notify_one();
    }

    /// A change of what the library fetches: of some partitions, or all.
    pub fn unsaid(&self, of: Option<&[Partition]>) -> Option<TopicPartitionList> {
        let mut state = self.state();
        if !state.unsaid {
            return None;
        }
        state.unsaid = of.is_some();
        let mut list = TopicPartitionList::new();
        for (partition, progress) in &mut state.ours {
            if of.is_some_and(|some| !some.contains(partition)) || progress.next == progress.said {
                continue;
            }
            if let (Some(next), Some(actual)) = (progress.next, self.names.actual_of(&partition.topic)) {
                progress.said = progress.next;
                drop(list.add_partition_offset(actual, partition.partition, Offset::Offset(next)));
            }
        }
        (list.count() > 0).then_some(list)
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.records.len() >= KEPT || self.bytes >= KEPT_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whether_there_is_more_is_said() {
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
