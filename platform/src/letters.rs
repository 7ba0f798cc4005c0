//! Dead letters on the bus. The database of the service that could not deal with a record is where it is kept, and from where
//! it is replayed; `<topic>.DLQ` has a copy, for whoever watches the bus: the record as it came (key, headers, value), and
//! behind its headers what became of it.

use std::borrow::Cow;

use bytes::Bytes;
use events::topic::dead_letters;

use crate::{
    bus::{Message, Outgoing},
    tables::parked,
};

/// Why a record is a dead letter: the value of `dlq-error-class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// It cannot be read.
    Undecodable,
    /// It can be read, and can never be right.
    Rejected,
    /// What it builds on has not come in time.
    Unmet,
    /// Deciding about it has failed, time after time.
    Failed,
}

impl Class {
    const fn name(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::Rejected => "rejected",
            Self::Unmet => "unmet",
            Self::Failed => "failed",
        }
    }
}

/// The largest copy. Brokers take a MiB if nothing else is said, and a letter they refuse would hold up all that is behind it.
const MOST_BYTES: usize = 1_000_000;

/// A copy of this dead letter. A value that is too long for it is left out, and its length told.
pub(crate) fn letter(row: &parked::Model, class: Class) -> Option<Outgoing> {
    let record = row.to_record()?;
    let Message { key, mut headers, mut value } = (*record.message).clone();
    let mut add = |name: &'static str, value: String| headers.push((Cow::Borrowed(name), Bytes::from(value)));
    add("dlq-topic", row.topic.clone());
    add("dlq-partition", row.partition.to_string());
    add("dlq-offset", row.position.to_string());
    add("dlq-group", row.participant.clone());
    add("dlq-error", row.error.clone());
    add("dlq-error-class", class.name().to_owned());
    add("dlq-attempts", row.attempts.to_string());
    add("dlq-first-failed-at", events::Timestamp::from(row.first_failed_at).to_string());
    if record.message.size() + row.error.len() > MOST_BYTES {
        add("dlq-value-left-out", value.len().to_string());
        value = Bytes::new();
    }
    Some(Outgoing { topic: dead_letters(&row.topic).into(), message: Message { key, headers, value }.into() })
}
