//! Parked records: set aside in the service's own database, where they hold up nothing but the later records of their key
//! and topic, and are never lost.

use std::{sync::Arc, time::Duration};

use bus::{Outgoing, Record, codec};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sha2::{Digest, Sha256};
use store::{StoreError, Tx, bulk};
use uuid::Uuid;

use super::{DeadLetterReason, copy::copy_of, queues::Queue};
use crate::{
    tables::parked::{Column, Entity, Model},
    text::stored_error,
};

/// Records of one queue that are tried again in one go.
const MAX_AT_ONCE: u64 = 128;
/// Bytes of a key that is no text, in the table.
const MAX_KEY: usize = 280;

/// How often and how long failing records are tried.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Attempts after the first before a record is a dead letter.
    pub retries: u32,
    /// The wait before the first retry; it doubles with each retry.
    pub first_retry: Duration,
    /// How long a record may wait for a prerequisite before that counts as a failure.
    pub hold: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { retries: 3, first_retry: Duration::from_secs(1), hold: Duration::from_mins(5) }
    }
}

/// Why a record is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Waits for a prerequisite.
    Held,
    /// Has failed and will be tried again.
    Failing,
    /// Waits behind an earlier record of its key and topic.
    Queued,
    /// A dead letter: a person decides.
    Dead,
}

impl State {
    const ALL: [Self; 4] = [Self::Held, Self::Failing, Self::Queued, Self::Dead];

    /// Stored. Never rename.
    fn name(self) -> &'static str {
        match self {
            Self::Held => "HELD",
            Self::Failing => "FAILING",
            Self::Queued => "QUEUED",
            Self::Dead => "DEAD",
        }
    }

    /// A state that this program does not know (a newer one has written it) is left to a person.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.name() == name).unwrap_or(Self::Dead)
    }

    pub fn of(row: &Model) -> Self {
        Self::named(&row.state)
    }
}

/// The key of a record as it is stored: canonical where it is an id, hex digits where it is no id.
fn key_text(key: &[u8]) -> String {
    let text = std::str::from_utf8(key).ok();
    match text.and_then(|text| Uuid::try_parse(text).ok()) {
        Some(id) => id.to_string(),
        None => key.iter().map(|byte| format!("{byte:02x}")).take(MAX_KEY).collect(),
    }
}

/// When a held record is looked at again if nothing is decided about its key here: its prerequisite may be decided by another
/// process. After a second at first, then after half of the time it has been held, at most 30 s.
pub(crate) fn next_look(held_since: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    now + ((now - held_since) / 2).clamp(TimeDelta::seconds(1), TimeDelta::seconds(30))
}

/// The oldest rows of a queue, in the order of the log. (Not by id: ids carry the time of another machine's clock.)
pub(crate) async fn rows_of(tx: &Tx, participant: &str, queue: &Queue) -> Result<Vec<Model>, StoreError> {
    let query = Entity::find()
        .filter(Column::Participant.eq(participant))
        .filter(Column::Key.eq(&*queue.0))
        .filter(Column::Topic.eq(&*queue.1))
        .order_by_asc(Column::Position)
        .limit(MAX_AT_ONCE);
    tx.all(query).await
}

/// An id for a record that has no readable one: the same whenever the record comes.
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
        error: stored_error(error),
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
    pub(crate) fn still_held(&mut self, why: &str, now: DateTime<Utc>, policy: &RetryPolicy) {
        self.first_tried(now);
        let limit = self.first_failed_at + delta(policy.hold);
        if State::of(self) != State::Failing && now < limit {
            (self.state, self.next_try) =
                (State::Held.name().to_owned(), next_look(self.first_failed_at, now).min(limit));
            self.error = stored_error(why);
        } else {
            self.failed_again(why, now, policy);
        }
    }

    /// It was tried, and failed.
    pub(crate) fn failed_again(&mut self, error: &str, now: DateTime<Utc>, policy: &RetryPolicy) {
        self.first_tried(now);
        self.attempts += 1;
        self.error = stored_error(error);
        let attempts = u32::try_from(self.attempts).unwrap_or(u32::MAX);
        let state = if attempts > policy.retries { State::Dead } else { State::Failing };
        state.name().clone_into(&mut self.state);
        self.next_try = now + delta(policy.first_retry) * (1 << (attempts - 1).min(16));
    }

    /// It can never be processed.
    pub(crate) fn died(&mut self, error: &str, now: DateTime<Utc>) {
        self.first_tried(now);
        self.attempts += 1;
        self.error = stored_error(error);
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
pub(crate) struct ParkingChanges {
    pub new: Vec<Model>,
    /// Inserted or replaced.
    pub changed: Vec<Model>,
    pub gone: Vec<Uuid>,
    /// Copies of new dead letters, for the bus.
    pub copies: Vec<Outgoing>,
}

impl ParkingChanges {
    /// Publishes a copy of the row if it is a dead letter now.
    pub fn copy_if_dead(&mut self, row: &Model, reason: DeadLetterReason) {
        if row.is_dead() {
            self.copies.extend(copy_of(row, reason));
        }
    }

    pub async fn save(&self, tx: &Tx) -> Result<(), StoreError> {
        bulk::insert::<Entity>(tx, self.new.clone()).await?;
        bulk::update::<Entity>(tx, self.changed.clone()).await?;
        bulk::remove::<Entity>(tx, &self.gone).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_record_is_looked_at_less_and_less_often() {
        let since = DateTime::UNIX_EPOCH;
        let wait = |held: i64| {
            let now = since + TimeDelta::seconds(held);
            (next_look(since, now) - now).num_seconds()
        };
        assert_eq!([0, 2, 10, 60, 600].map(wait), [1, 1, 5, 30, 30]);
    }
}
