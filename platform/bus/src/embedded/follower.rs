//! Follows the end of the log. Reads memory only.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::shared::{Shared, closed};
use crate::{BusError, Follower, Record};

pub struct Tail {
    shared: Arc<Shared>,
    /// Whether a slot belongs to the followed topics, by slot.
    ours: Vec<bool>,
    cursor: i64,
    wake: watch::Receiver<()>,
}

impl Tail {
    pub fn new(shared: &Arc<Shared>, topics: &[Arc<str>]) -> Result<Self, BusError> {
        let state = shared.state()?;
        let mut ours = vec![false; state.topics.slots()];
        state.topics.slots_of(topics)?.into_iter().for_each(|slot| ours[slot] = true);
        Ok(Self { ours, cursor: state.head, wake: shared.watch(), shared: shared.clone() })
    }

    /// The records that are available now.
    fn take(&mut self) -> Result<Vec<Record>, BusError> {
        let (batches, head) = {
            let state = self.shared.state()?;
            (state.ring.from(self.cursor), state.head)
        };
        let Some(batches) = batches else {
            let missed = std::mem::replace(&mut self.cursor, head);
            return Err(BusError::Unavailable(format!("too slow: missed records {missed} to {head}")));
        };
        let mut records = Vec::new();
        for batch in batches {
            let ours = batch.from(self.cursor).iter().filter(|it| self.ours.get(it.slot) == Some(&true));
            records.extend(ours.map(|it| it.record.clone()));
            self.cursor = batch.end;
        }
        Ok(records)
    }
}

impl Follower for Tail {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Record>, BusError>> {
        Box::pin(async move {
            loop {
                self.wake.borrow_and_update();
                let before = self.cursor;
                let records = self.take()?;
                if !records.is_empty() {
                    return Ok(records);
                }
                if self.cursor == before {
                    self.wake.changed().await.map_err(|_| closed())?;
                }
            }
        })
    }
}
