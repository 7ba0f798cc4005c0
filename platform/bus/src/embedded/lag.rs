//! The lag of a group, in records. The first request counts the records after the group's positions by
//! reading them. Later requests add the number of appended records and subtract the processed ones.

use std::sync::Arc;

use super::shared::{Shared, State};
use crate::{BusError, Lag};

pub async fn lag(shared: &Arc<Shared>, group: &str, topics: &[Arc<str>]) -> Result<Vec<Lag>, BusError> {
    let (slots, count) = {
        let state = shared.state()?;
        let slots = state.topics.slots_of(topics)?;
        let count = Count::of(&state, group, &slots);
        (slots, count)
    };
    let (count, counted) = shared.blocking(move |shared| count.run(shared)).await?;

    let mut state = shared.state()?;
    count.note(&mut state, group, &counted);
    let behind = |slot: &usize| match state.groups.get(group) {
        Some(group) => group.behind.get(slot).map(|behind| behind + state.appended[*slot] - group.processed[*slot]),
        None => Some(counted[*slot] + state.appended[*slot] - count.appended[*slot]),
    };
    let lags = slots.iter().filter_map(|slot| {
        let records = u64::try_from(behind(slot)?.max(0)).expect("not negative");
        Some(Lag { partition: state.topics.partition(*slot).clone(), records })
    });
    Ok(lags.collect())
}

/// The partitions to count, and the counters at the start of the count.
struct Count {
    /// Where the count begins, by slot; `None`: the lag is already known.
    from: Vec<Option<i64>>,
    head: i64,
    appended: Vec<i64>,
    processed: Vec<i64>,
    pruned: i64,
}

impl Count {
    fn of(state: &State, group: &str, slots: &[usize]) -> Self {
        let mut from = vec![None; state.topics.slots()];
        let group = state.groups.get(group);
        for slot in slots {
            from[*slot] = match group {
                Some(group) if group.behind.contains_key(slot) => None,
                Some(group) => Some(group.positions[*slot]),
                None => Some(0),
            };
        }
        Self {
            from,
            head: state.head,
            appended: state.appended.clone(),
            processed: group.map_or_else(|| vec![0; state.topics.slots()], |group| group.processed.clone()),
            pruned: state.pruned,
        }
    }

    fn run(self, shared: &Shared) -> Result<(Self, Vec<i64>), BusError> {
        let mut counted = vec![0; self.from.len()];
        if let Some(start) = self.from.iter().flatten().min().copied() {
            shared.scan(start, self.head, |batch| {
                for it in batch.from(start) {
                    let from = self.from.get(it.slot).copied().flatten();
                    if from.is_some_and(|from| (from..self.head).contains(&it.record.offset)) {
                        counted[it.slot] += 1;
                    }
                }
                true
            })?;
        }
        Ok((self, counted))
    }

    fn note(&self, state: &mut State, group: &str, counted: &[i64]) {
        let Some(group) = state.groups.get_mut(group) else { return };
        for (slot, from) in self.from.iter().enumerate() {
            // Records were pruned during the count, so the count may be wrong: report no lag this time.
            if from.is_some_and(|from| self.pruned == state.pruned || from >= state.pruned) {
                group.behind.insert(slot, counted[slot] - self.appended[slot] + self.processed[slot]);
            }
        }
    }
}

impl State {
    /// Records before this number were removed. Lags that include removed records must be counted again.
    pub fn prune(&mut self, before: i64) {
        self.pruned = before;
        for group in self.groups.values_mut() {
            group.behind.retain(|slot, _| group.positions[*slot] >= before);
        }
    }
}
