//! What fails is set aside in the service's own database, where it blocks nothing but the later records of its own key
//! and topic, and is lost never.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    StoreError, Tx, bulk,
    bus::{Outgoing, Partition, Record, codec},
    letters::{Class, letter},
    tables::parked::{Column, Entity, Model},
};

/// Rows of one queue that are tried again in one go.
const AT_ONCE: u64 = 128;

/// How often and how long failing records are tried.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Attempts after the first before a record is a dead letter.
    pub retries: u32,
    pub first_retry: Duration,
    /// How long a record may wait for a prerequisite before that counts as failing.
    pub hold: Duration,
}

/// Why a record is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Waits for something it builds on.
    Held,
    /// Has failed and will be tried again.
    Failing,
    /// Waits behind an earlier one of its key and topic.
    Queued,
    /// A dead letter: a person decides.
    Dead,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Held => "HELD",
            Self::Failing => "FAILING",
            Self::Queued => "QUEUED",
            Self::Dead => "DEAD",
        }
    }

    fn of(row: &Model) -> Self {
        Self::named(&row.state)
    }

    pub(crate) fn named(name: &str) -> Self {
        [Self::Held, Self::Failing, Self::Dead].into_iter().find(|it| it.name() == name).unwrap_or(Self::Queued)
    }
}

/// Key and topic.
pub(crate) type Queue = (String, Arc<str>);

/// The oldest record of a queue, and when it is to be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    /// Then, or as soon as something else is decided about its key.
    Held(DateTime<Utc>),
    /// Then, and not before: a failure is given time.
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

/// What a room knows of its parked records without asking.
#[derive(Debug, Default, Clone)]
pub(crate) struct Parked {
    queues: BTreeMap<Queue, Head>,
    /// Queues whose head was tried in this round and could not go on: those behind it must not either.
    stuck: BTreeSet<Queue>,
}

/// The key of a record as it is kept: canonical where it is an id.
pub(crate) fn key_text(key: &[u8]) -> String {
    let text = std::str::from_utf8(key).ok();
    match text.and_then(|text| Uuid::try_parse(text).ok()) {
        Some(id) => id.to_string(),
        None => key.iter().map(|byte| format!("{byte:02x}")).take(280).collect(),
    }
}

/// When to look whether a held record can go on, if nothing is heard of its key here before: what it waits for may be decided
/// by another process. After a second, and then ever more rarely.
pub(crate) fn look_again(held_since: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    now + ((now - held_since) / 2).clamp(TimeDelta::seconds(1), TimeDelta::seconds(30))
}

impl Parked {
    /// What is in the database of these partitions.
    pub(crate) async fn load(tx: &Tx, participant: &str, ours: &BTreeSet<Partition>) -> Result<Self, StoreError> {
        let query = Entity::find().filter(Column::Participant.eq(participant)).order_by_asc(Column::Position);
        let rows = tx.all(query).await?;
        let mut queues = BTreeMap::new();
        for row in rows {
            if ours.contains(&Partition { topic: Arc::from(&*row.topic), partition: row.partition }) {
                queues.entry(row.queue()).or_insert(Head::from(&row)); // the head is the oldest
            }
        }
        Ok(Self { queues, stuck: BTreeSet::new() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Records of this key and topic must queue.
    pub(crate) fn blocks(&self, queue: &Queue) -> bool {
        self.queues.contains_key(queue)
    }

    pub(crate) fn set(&mut self, queue: Queue, head: Head) {
        self.queues.insert(queue, head);
    }

    /// The head of a queue was tried and stays.
    pub(crate) fn stay(&mut self, row: &Model) {
        self.set(row.queue(), row.into());
        self.stuck.insert(row.queue());
    }

    /// Whether the head of this queue has failed in this round.
    pub(crate) fn is_stuck(&self, queue: &Queue) -> bool {
        self.stuck.contains(queue)
    }

    /// Heads may be tried again.
    pub(crate) fn next_round(&mut self) {
        self.stuck.clear();
    }

    pub(crate) fn clear(&mut self, queue: &Queue) {
        self.queues.remove(queue);
    }

    /// Something was decided about these keys: what is held there may go on now.
    pub(crate) fn poke(&mut self, keys: &BTreeSet<String>, now: DateTime<Utc>) {
        for ((key, _), head) in &mut self.queues {
            if let Head::Held(next) = head
                && keys.contains(key)
            {
                *next = now;
            }
        }
    }

    /// The queues whose head is to be tried.
    pub(crate) fn due(&self, now: DateTime<Utc>) -> Vec<Queue> {
        let due = |head: &Head| matches!(head, Head::Held(next) | Head::Due(next) if *next <= now);
        self.queues.iter().filter(|(_, head)| due(head)).map(|(queue, _)| queue.clone()).collect()
    }
}

/// The oldest rows of a queue, in the order of the log. (Ids say when a record was made, by somebody else's clock, and
/// those of records that cannot be read say nothing.)
pub(crate) async fn rows_of(tx: &Tx, participant: &str, queue: &Queue) -> Result<VecDeque<Model>, StoreError> {
    let query = Entity::find()
        .filter(Column::Participant.eq(participant))
        .filter(Column::Key.eq(&*queue.0))
        .filter(Column::Topic.eq(&*queue.1))
        .order_by_asc(Column::Position)
        .limit(AT_ONCE);
    Ok(tx.all(query).await?.into())
}

/// An id for a record that has none that can be read: the same whenever it comes.
pub(crate) fn id_of(participant: &str, record: &Record) -> Uuid {
    let place = format!("{participant} {} {} {}", record.topic, record.partition, record.offset);
    let hash = Sha256::digest(place.as_bytes());
    uuid::Builder::from_custom_bytes(hash[..16].try_into().expect("32 bytes")).into_uuid()
}

/// A record to be parked, with its raw bytes.
pub(crate) fn row(
    id: Uuid,
    participant: &str,
    record: &Record,
    state: State,
    error: &str,
    now: DateTime<Utc>,
    next_try: DateTime<Utc>,
) -> Model {
    let raw = Outgoing { topic: record.topic.clone(), message: record.message.clone() };
    Model {
        id,
        participant: participant.to_owned(),
        key: key_text(&record.message.key),
        topic: record.topic.to_string(),
        partition: record.partition,
        position: record.offset,
        record: codec::encode_all(std::slice::from_ref(&raw)),
        state: state.name().to_owned(),
        error: error.to_owned(),
        attempts: i32::from(matches!(state, State::Failing | State::Dead)),
        first_failed_at: now,
        next_try,
    }
}

impl Model {
    pub(crate) fn queue(&self) -> Queue {
        (self.key.clone(), Arc::from(&*self.topic))
    }

    pub(crate) fn is_dead(&self) -> bool {
        State::of(self) == State::Dead
    }

    /// The record as it came.
    pub(crate) fn to_record(&self) -> Option<Record> {
        let mut raw = codec::decode(Bytes::copy_from_slice(&self.record)).ok()?;
        let one = raw.pop()?;
        Some(Record { topic: one.topic, partition: self.partition, offset: self.position, message: one.message })
    }

    /// It was tried, and still waits for a prerequisite.
    pub(crate) fn still_held(&mut self, why: &str, now: DateTime<Utc>, patience: &Patience) {
        self.first_tried(now);
        let limit = self.first_failed_at + delta(patience.hold);
        if State::of(self) != State::Failing && now < limit {
            (self.state, self.next_try) =
                (State::Held.name().to_owned(), look_again(self.first_failed_at, now).min(limit));
            why.clone_into(&mut self.error);
        } else {
            self.failed_again(why, now, patience);
        }
    }

    /// It was tried, and failed.
    pub(crate) fn failed_again(&mut self, error: &str, now: DateTime<Utc>, patience: &Patience) {
        self.first_tried(now);
        self.attempts += 1;
        error.clone_into(&mut self.error);
        let attempts = u32::try_from(self.attempts).unwrap_or(u32::MAX);
        let state = if attempts > patience.retries { State::Dead } else { State::Failing };
        state.name().clone_into(&mut self.state);
        self.next_try = now + delta(patience.first_retry) * (1 << (attempts - 1).min(16));
    }

    /// It can never be processed.
    pub(crate) fn died(&mut self, error: &str, now: DateTime<Utc>) {
        self.first_tried(now);
        self.attempts += 1;
        error.clone_into(&mut self.error);
        State::Dead.name().clone_into(&mut self.state);
    }

    /// The time it has waited behind others is not held against it.
    fn first_tried(&mut self, now: DateTime<Utc>) {
        if State::of(self) == State::Queued {
            self.first_failed_at = now;
        }
    }
}

pub(crate) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

/// What a batch changes about parked records.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub new: Vec<Model>,
    pub changed: Vec<Model>,
    pub gone: Vec<Uuid>,
    /// Copies of those that are dead letters now, for the bus.
    pub letters: Vec<Outgoing>,
}

impl Changes {
    /// Has a copy of this one go to the bus, if it is a dead letter now.
    pub(crate) fn tell(&mut self, row: &Model, class: Class) {
        if row.is_dead() {
            self.letters.extend(letter(row, class));
        }
    }

    pub(crate) async fn save(&self, tx: &Tx) -> Result<(), StoreError> {
        bulk::insert::<Entity>(tx, self.new.clone()).await?;
        bulk::update::<Entity>(tx, self.changed.clone()).await?;
        bulk::remove::<Entity>(tx, &self.gone).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_looked_at_ever_more_rarely() {
        let since = DateTime::UNIX_EPOCH;
        let wait = |held: i64| {
            let now = since + TimeDelta::seconds(held);
            (look_again(since, now) - now).num_seconds()
        };
        assert_eq!([0, 2, 10, 60, 600].map(wait), [1, 1, 5, 30, 30]);
    }
}
