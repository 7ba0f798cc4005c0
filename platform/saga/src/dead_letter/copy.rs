//! The copy of a dead letter on the bus. The dead letter itself is in the database of the service that could not process the
//! record, and is replayed from there; the dead-letter topic has a copy for consumers that watch the bus: the record as it came (key,
//! headers, value), with the `dlq-…` headers behind its own.

use std::borrow::Cow;

use bus::Outgoing;
use bytes::Bytes;
use events::topic::dead_letters;

use super::DeadLetterReason;
use crate::tables::parked;

/// Bytes of a copy, at most. Brokers take 1 MiB by default.
const MAX_BYTES: usize = 1_000_000;
/// Characters of the error, at most: an error quotes its input, which may be long.
const MAX_ERROR: usize = 2_000;

/// A copy of this dead letter. What would make it too long is left out: its own headers if they do so alone, or the value.
pub(crate) fn copy_of(row: &parked::Model, reason: DeadLetterReason) -> Option<Outgoing> {
    let record = row.to_record()?;
    let mut message = (*record.message).clone();
    let own_headers = message.headers.len();
    let mut add = |name: &'static str, value: String| message.headers.push((Cow::Borrowed(name), Bytes::from(value)));
    add("dlq-topic", row.topic.clone());
    add("dlq-partition", row.partition.to_string());
    add("dlq-offset", row.position.to_string());
    add("dlq-group", row.participant.clone());
    add("dlq-error", row.error.chars().take(MAX_ERROR).collect());
    add("dlq-error-class", reason.name().to_owned());
    add("dlq-attempts", row.attempts.to_string());
    add("dlq-first-failed-at", events::Timestamp::from(row.first_failed_at).to_string());
    if message.size() - message.value.len() > MAX_BYTES {
        message.headers.drain(..own_headers);
        message.headers.push(("dlq-headers-left-out".into(), own_headers.to_string().into()));
    }
    if message.size() > MAX_BYTES {
        let length = std::mem::take(&mut message.value).len();
        message.headers.push(("dlq-value-left-out".into(), length.to_string().into()));
    }
    if message.size() > MAX_BYTES {
        message.key = Bytes::new();
    }
    Some(Outgoing { topic: dead_letters(&row.topic).into(), message: message.into() })
}
