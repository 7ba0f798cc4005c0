//! The queues of parked records, as a participant keeps them in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bus::Partition;
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use store::{Db, StoreError};

use super::parking::State;
use crate::tables::parked::{Column, Entity, Model};

/// Key and topic: records of both stay in order.
pub(crate) type Queue = (String, Arc<str>);

/// The oldest record of a queue, and when it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    /// Then, or as soon as something else is decided about its key.
    Held(DateTime<Utc>),
    /// Then, and not before.
    Due(DateTime<Utc>),
    Dead,
}

impl From<&Model> for Head {
    fn from(row: &Model) -> Self {
        match State::of(row) {
            State::Held => Self::Held(row.next_try),
            State::Failing | State::Queued => Self::Due(row.next_try),
            State::Dead => Self::Dead,
        }
    }
}

/// The parked records of the assigned partitions.
#[derive(Debug, Default)]
pub(crate) struct ParkedQueues {
    heads: BTreeMap<Queue, Head>,
    /// Queues whose head was tried in this round and stays: the records behind it must not be decided.
    blocked: BTreeSet<Queue>,
}

/// What an attempt changes about the queues. Applied when its transaction is committed.
#[derive(Debug, Default)]
pub(crate) struct ParkedChanges {
    heads: BTreeMap<Queue, Head>,
    blocked: BTreeSet<Queue>,
}

/// The queues as an attempt sees them: as they are, with its own changes.
#[derive(Debug)]
pub(crate) struct ParkedView<'a> {
    queues: &'a ParkedQueues,
    changes: ParkedChanges,
}

impl ParkedQueues {
    /// What the database holds of these partitions.
    pub async fn load(db: &Db, participant: &str, assigned: &BTreeSet<Partition>) -> Result<Self, StoreError> {
        let tx = db.begin().await?;
        let query = Entity::find().filter(Column::Participant.eq(participant)).order_by_asc(Column::Position);
        let rows = tx.all(query).await?;
        tx.commit().await?;
        let mut heads = BTreeMap::new();
        for row in rows {
            if assigned.contains(&Partition { topic: Arc::from(&*row.topic), partition: row.partition }) {
                heads.entry(row.queue()).or_insert(Head::from(&row)); // the head is the oldest
            }
        }
        Ok(Self { heads, blocked: BTreeSet::new() })
    }

    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Whether later records of this key and topic have to queue.
    pub fn blocks(&self, queue: &Queue) -> bool {
        self.heads.contains_key(queue)
    }

    pub fn set(&mut self, queue: Queue, head: Head) {
        self.heads.insert(queue, head);
    }

    /// The head was tried and stays.
    pub fn block(&mut self, queue: Queue, head: Head) {
        self.blocked.insert(queue.clone());
        self.set(queue, head);
    }

    pub fn clear(&mut self, queue: &Queue) {
        self.heads.remove(queue);
    }

    /// Heads may be tried again.
    pub fn begin_round(&mut self) {
        self.blocked.clear();
    }

    pub fn view(&self) -> ParkedView<'_> {
        ParkedView { queues: self, changes: ParkedChanges::default() }
    }

    pub fn apply(&mut self, changes: ParkedChanges) {
        self.heads.extend(changes.heads);
        self.blocked.extend(changes.blocked);
    }

    /// Something was decided about these keys: what is held there may go on now.
    pub fn wake(&mut self, keys: &BTreeSet<String>, now: DateTime<Utc>) {
        for ((key, _), head) in &mut self.heads {
            if let Head::Held(next_try) = head
                && keys.contains(key)
            {
                *next_try = now;
            }
        }
    }

    /// The queues whose head is due.
    pub fn due(&self, now: DateTime<Utc>) -> Vec<Queue> {
        let is_due = |head: &Head| matches!(head, Head::Held(next_try) | Head::Due(next_try) if *next_try <= now);
        self.heads.iter().filter(|(_, head)| is_due(head)).map(|(queue, _)| queue.clone()).collect()
    }
}

impl ParkedView<'_> {
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.changes.heads.is_empty()
    }

    pub fn blocks(&self, queue: &Queue) -> bool {
        self.changes.heads.contains_key(queue) || self.queues.blocks(queue)
    }

    pub fn is_blocked(&self, queue: &Queue) -> bool {
        self.changes.blocked.contains(queue) || self.queues.blocked.contains(queue)
    }

    pub fn set(&mut self, queue: Queue, head: Head) {
        self.changes.heads.insert(queue, head);
    }

    pub fn block(&mut self, queue: Queue, head: Head) {
        self.changes.blocked.insert(queue.clone());
        self.set(queue, head);
    }

    pub fn into_changes(self) -> ParkedChanges {
        self.changes
    }
}
