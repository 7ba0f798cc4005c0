//! Dead letters on the bus. The database of the service that could not deal with a record is where it is kept, and from where
//! it is replayed; `<topic>.DLQ` has a copy, for whoever watches the bus: the record as it came (key, headers, value), and
//! behind its headers what became of it.

use std::borrow::Cow;

use bytes::Bytes;
use events::topic::dead_letters;

use crate::{bus::Outgoing, tables::parked};

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

/// The largest copy. Brokers take a MiB if nothing else is said.
const MOST_BYTES: usize = 1_000_000;
/// An error quotes what it is about, which may be long.
const LONGEST_ERROR: usize = 2_000;

/// A copy of this dead letter. What would make it too long is left out: the headers it came with if they do so alone, or the value.
pub(crate) fn letter(row: &parked::Model, class: Class) -> Option<Outgoing> {
    let record = row.to_record()?;
    let mut message = (*record.message).clone();
    let told = message.headers.len();
    let mut add = |name: &'static str, value: String| message.headers.push((Cow::Borrowed(name), Bytes::from(value)));
    add("dlq-topic", row.topic.clone());
    add("dlq-partition", row.partition.to_string());
    add("dlq-offset", row.position.to_string());
    add("dlq-group", row.participant.clone());
    add("dlq-error", row.error.chars().take(LONGEST_ERROR).collect());
    add("dlq-error-class", class.name().to_owned());
    add("dlq-attempts", row.attempts.to_string());
    add("dlq-first-failed-at", events::Timestamp::from(row.first_failed_at).to_string());
    if message.size() - message.value.len() > MOST_BYTES {
        message.headers.drain(..told);
        message.headers.push(("dlq-headers-left-out".into(), told.to_string().into()));
    }
    if message.size() > MOST_BYTES {
        let length = std::mem::take(&mut message.value).len();
        message.headers.push(("dlq-value-left-out".into(), length.to_string().into()));
    }
    if message.size() > MOST_BYTES {
        message.key = Bytes::new();
    }
    Some(Outgoing { topic: dead_letters(&row.topic).into(), message: message.into() })
}
