//! Converts messages and errors between this crate and librdkafka.

use std::{borrow::Cow, panic::catch_unwind, sync::Arc};

use bytes::Bytes;
use rdkafka::{
    Message as _,
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Header, Headers as _, OwnedHeaders},
};

use crate::{BusError, Message, Record, codec};

pub(super) fn headers(message: &Message) -> Option<OwnedHeaders> {
    if message.headers.is_empty() {
        return None;
    }
    let headers = OwnedHeaders::new_with_capacity(message.headers.len());
    let add = |headers: OwnedHeaders, (name, value): &(Cow<'static, str>, Bytes)| {
        headers.insert(Header { key: name, value: Some(&**value) })
    };
    Some(message.headers.iter().fold(headers, add))
}

/// Copies a record out of librdkafka's memory, with one allocation for key, value and header values.
pub(super) fn record(message: &BorrowedMessage<'_>, topic: Arc<str>) -> Record {
    let (key, value) = (message.key().unwrap_or_default(), message.payload().unwrap_or_default());
    // rdkafka panics if a header's name is not UTF-8. The record then has no headers, cannot be decoded and becomes a
    // dead letter.
    let found = catch_unwind(std::panic::AssertUnwindSafe(|| {
        let found = message.headers().into_iter().flat_map(|headers| headers.iter());
        found.map(|it| (codec::header_name(it.key), it.value.unwrap_or_default())).collect::<Vec<_>>()
    }))
    .unwrap_or_default();
    let size = key.len() + value.len() + found.iter().map(|(_, value)| value.len()).sum::<usize>();
    let mut memory = Vec::with_capacity(size);
    memory.extend_from_slice(key);
    memory.extend_from_slice(value);
    for (_, value) in &found {
        memory.extend_from_slice(value);
    }
    let mut memory = Bytes::from(memory);
    let (key, value) = (memory.split_to(key.len()), memory.split_to(value.len()));
    let headers = found.into_iter().map(|(name, value)| (name, memory.split_to(value.len()))).collect();
    let message_of_ours = Message { key, headers, value };
    Record { topic, partition: message.partition(), offset: message.offset(), message: Arc::new(message_of_ours) }
}

/// Converts an error of an operation on a topic.
pub(super) fn about(topic: &str, principal: &str, error: &KafkaError) -> BusError {
    use RDKafkaErrorCode as Code;
    match error.rdkafka_error_code() {
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition) => {
            BusError::UnknownTopic(topic.to_owned())
        }
        Some(Code::TopicAuthorizationFailed) => {
            BusError::Refused(format!("{principal} is not allowed to do this with topic {topic}"))
        }
        Some(Code::ClusterAuthorizationFailed) => {
            BusError::Refused(format!("{principal} is not allowed to do this (topic {topic})"))
        }
        Some(
            code @ (Code::MessageSizeTooLarge
            | Code::InvalidMessage
            | Code::InvalidMessageSize
            | Code::InvalidRecord
            | Code::InvalidTimestamp
            | Code::PolicyViolation
            | Code::InvalidTopic
            | Code::InvalidArgument
            | Code::MessageBatchTooLarge),
        ) => BusError::Refused(format!("{code} (topic {topic})")),
        _ => BusError::Unavailable(format!("{error} (topic {topic})")),
    }
}

/// Converts an error of creating a client.
pub(super) fn setup(error: &KafkaError) -> BusError {
    BusError::Setup(match error {
        KafkaError::ClientConfig(_, why, name, _) => format!("the property {name} of librdkafka: {why}"),
        KafkaError::ClientCreation(why) => format!("there is no client for Kafka: {why}"),
        other => format!("there is no client for Kafka: {other}"),
    })
}
