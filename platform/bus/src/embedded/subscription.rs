//! The member of a group: a cursor that passes over the whole log and returns the records of the group's topics.

use std::{collections::VecDeque, sync::Arc};

use futures_util::future::BoxFuture;
use tokio::{sync::watch, task::JoinHandle};

use super::{
    batch::Batch,
    group::Group,
    shared::{Shared, State},
};
use crate::{BusError, Partition, Position, Record, Subscription, Taken};

/// The start of a slot that does not belong to the group: no offset is as high.
const NEVER: i64 = i64::MAX;
/// Number of records of other topics that a member may skip before its position is stored. Without stored positions
/// a restart would skip the same records again.
const MAX_SKIPPED: i64 = 10_000;

type Batches = Result<Vec<Arc<Batch>>, BusError>;

pub struct Member {
    shared: Arc<Shared>,
    group: Arc<str>,
    slots: Vec<usize>,
    /// By slot: records before this offset are already processed.
    start: Vec<i64>,
    /// By slot: offsets that were returned and not committed.
    in_flight: Vec<VecDeque<i64>>,
    /// Records before this number were returned or skipped.
    cursor: i64,
    stored: i64,
    /// Batches that were read and whose records are not all returned yet.
    ahead: VecDeque<Arc<Batch>>,
    /// The read in progress. It continues when the future of `next` is dropped.
    reading: Option<JoinHandle<Batches>>,
    assigned: Option<Vec<Partition>>,
    wake: watch::Receiver<()>,
}

/// The place of the next records.
enum Next {
    Here,
    File,
    Nothing,
}

impl Member {
    pub fn join(shared: &Arc<Shared>, group: &str, topics: &[Arc<str>]) -> Result<Self, BusError> {
        let mut state = shared.state()?;
        let slots = state.topics.slots_of(topics)?;
        let count = state.topics.slots();
        let name: Arc<str> = group.into();
        let assigned = slots.iter().map(|slot| state.topics.partition(*slot).clone()).collect();
        let group = state.groups.entry(name.clone()).or_insert_with(|| Group::new(count));
        if group.open {
            let why = "the embedded log exists for one process, and a group has one member there";
            return Err(BusError::Setup(format!("group {name} has a member already: {why}")));
        }
        group.open = true;
        let mut start = vec![NEVER; count];
        for slot in &slots {
            start[*slot] = group.positions[*slot];
        }
        let cursor = slots.iter().map(|slot| start[*slot]).min().unwrap_or(state.head);
        Ok(Self {
            group: name,
            in_flight: vec![VecDeque::new(); count],
            start,
            slots,
            cursor,
            stored: cursor,
            ahead: VecDeque::new(),
            reading: None,
            assigned: Some(assigned),
            wake: shared.watch(),
            shared: shared.clone(),
        })
    }

    async fn take(&mut self, most: usize) -> Result<Taken, BusError> {
        loop {
            self.wake.borrow_and_update(); // before the check, so that later records wake it
            let mut records = Vec::new();
            let next = loop {
                self.hand_out(&mut records, most.max(1));
                if !self.ahead.is_empty() {
                    break Next::Here;
                }
                match self.read_ring()? {
                    Next::Here => {}
                    other => break other,
                }
            };
            // No `await` from here to the return: if the future were dropped there, the records would be lost.
            if !records.is_empty() || self.assigned.is_some() {
                let assigned = self.assigned.take().unwrap_or_default();
                return Ok(Taken { records, assigned, revoked: Vec::new(), more: !matches!(next, Next::Nothing) });
            }
            match next {
                Next::Here => {}
                Next::File => self.read().await?,
                Next::Nothing => {
                    self.store_skipped();
                    self.wake.changed().await.map_err(|_| super::shared::closed())?;
                }
            }
        }
    }

    fn hand_out(&mut self, records: &mut Vec<Record>, most: usize) {
        while let Some(batch) = self.ahead.front() {
            for stored in batch.from(self.cursor) {
                if records.len() == most {
                    return;
                }
                let offset = stored.record.offset;
                self.cursor = offset + 1;
                if self.start.get(stored.slot).is_some_and(|start| offset >= *start) {
                    self.in_flight[stored.slot].push_back(offset);
                    records.push(stored.record.clone());
                }
            }
            self.cursor = self.cursor.max(batch.end);
            self.ahead.pop_front();
        }
    }

    /// Takes batches from memory, if they are there.
    fn read_ring(&mut self) -> Result<Next, BusError> {
        let state = self.shared.state()?;
        if self.cursor >= state.head {
            return Ok(Next::Nothing);
        }
        match state.ring.from(self.cursor) {
            Some(batches) => {
                self.ahead.extend(batches);
                Ok(Next::Here)
            }
            None => Ok(Next::File),
        }
    }

    async fn read(&mut self) -> Result<(), BusError> {
        let reading = self.reading.get_or_insert_with(|| {
            let (shared, from) = (self.shared.clone(), self.cursor);
            tokio::task::spawn_blocking(move || {
                let head = shared.state()?.head;
                shared.batches(from, head)
            })
        });
        let read = reading.await;
        self.reading = None;
        self.ahead.extend(read.map_err(|error| BusError::Unavailable(format!("reading the log: {error}")))??);
        Ok(())
    }

    fn commit(&mut self, upto: &[Position]) -> Result<(), BusError> {
        let mut state = self.shared.state()?;
        let state_now = &mut *state;
        let group = state_now.groups.get_mut(&self.group).expect("joined, and groups stay");
        for Position { partition, next } in upto {
            let Some(slot) = state_now.topics.slot(partition) else { continue };
            let Some(in_flight) = self.in_flight.get_mut(slot) else { continue };
            let processed = in_flight.partition_point(|offset| offset < next);
            if in_flight.front().is_some_and(|oldest| *oldest < state_now.pruned) {
                group.behind.remove(&slot); // the count may include removed records: count again
            }
            group.processed[slot] += i64::try_from(processed).expect("fits");
            in_flight.drain(..processed);
        }
        self.note(state_now);
        self.shared.request_write(state);
        Ok(())
    }

    /// Updates the group's position in each partition: the oldest record in flight, or the cursor if there is none.
    fn note(&self, state: &mut State) {
        let group = state.groups.get_mut(&self.group).expect("joined, and groups stay");
        for slot in &self.slots {
            let position = self.in_flight[*slot].front().copied().unwrap_or(self.cursor);
            group.positions[*slot] = position.max(group.positions[*slot]);
        }
    }

    /// Stores the position after many skipped records. They are never committed, and a restart would read them again.
    fn store_skipped(&mut self) {
        if self.cursor - self.stored > MAX_SKIPPED {
            self.stored = self.cursor;
            let mut state = self.shared.any_state();
            self.note(&mut state);
            self.shared.request_write(state);
        }
    }
}

impl Subscription for Member {
    fn next(&mut self, most: usize) -> BoxFuture<'_, Result<Taken, BusError>> {
        Box::pin(self.take(most))
    }

    /// Positions are written within a quarter of a second, and by `close` of the bus. Only returned records are
    /// committed.
    fn commit<'a>(&'a mut self, upto: &'a [Position]) -> BoxFuture<'a, Result<(), BusError>> {
        Box::pin(async move { Self::commit(self, upto) })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        drop(self);
        Box::pin(async {})
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.shared.any_state();
        self.note(&mut state);
        if let Some(group) = state.groups.get_mut(&self.group) {
            group.open = false;
        }
        self.shared.request_write(state);
    }
}
