//! How far a group is behind, in records. Counted once by reading what is behind its positions; kept up to date by counting
//! what is appended and what is dealt with.

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
        Some(group) => group.behind.get(slot).map(|behind| behind + state.appended[*slot] - group.dealt[*slot]),
        None => Some(counted[*slot] + state.appended[*slot] - count.appended[*slot]),
    };
    let lags = slots.iter().filter_map(|slot| {
        let records = u64::try_from(behind(slot)?.max(0)).expect("not negative");
        Some(Lag { partition: state.topics.partition(*slot).clone(), records })
    });
    Ok(lags.collect())
}

/// What is to be counted, and how things stood when that was decided.
struct Count {
    /// From where to count, by slot; `None`: known already.
    from: Vec<Option<i64>>,
    head: i64,
    appended: Vec<i64>,
    dealt: Vec<i64>,
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
            dealt: group.map_or_else(|| vec![0; state.topics.slots()], |group| group.dealt.clone()),
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
            // Pruned under our hands: leave it out this time.
            if from.is_some_and(|from| self.pruned == state.pruned || from >= state.pruned) {
                group.behind.insert(slot, counted[slot] - self.appended[slot] + self.dealt[slot]);
            }
        }
    }
}

impl State {
    /// Records before this one are gone: what was counted with them must be counted again.
    pub fn prune(&mut self, before: i64) {
        self.pruned = before;
        for group in self.groups.values_mut() {
            group.behind.retain(|slot, _| group.positions[*slot] >= before);
        }
    }
}
