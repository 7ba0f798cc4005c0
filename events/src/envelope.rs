//! The wire format of an event: CloudEvents 1.0 in Kafka's binary mode. Attributes are headers. The value is JSON and
//! repeats the essential attributes, so that a consumer without CloudEvents support needs no header.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{Event, Timestamp};

/// Header: version of the CloudEvents specification, always `1.0`.
pub const SPECVERSION: &str = "ce_specversion";
/// Header: the event's id.
pub const ID: &str = "ce_id";
/// Header: [`Event::TYPE`].
pub const TYPE: &str = "ce_type";
/// Header: the service that published the event, see [`source`].
pub const SOURCE: &str = "ce_source";
/// Header: the time of the event.
pub const TIME: &str = "ce_time";
/// Header: id of the event's subject: the order, or the product for `ProductChanged`.
pub const SUBJECT: &str = "ce_subject";
/// Header: [`Head::sequence`], an extension attribute.
pub const SEQUENCE: &str = "ce_sequence";
/// Header: [`Event::SCHEMA`].
pub const DATASCHEMA: &str = "ce_dataschema";
/// Header: always `application/json`.
pub const CONTENT_TYPE: &str = "content-type";
/// Header: W3C Trace Context.
pub const TRACEPARENT: &str = "traceparent";
/// Header: W3C Trace Context.
pub const TRACESTATE: &str = "tracestate";

/// The value of [`SOURCE`] for a service's short name.
pub fn source(service: &str) -> String {
    format!("/{service}-service")
}

/// The fields common to all events. They are in the same JSON object as the event's own fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The event's id. A redelivered event has the same id.
    pub event_id: Uuid,
    /// The order the event belongs to; absent when it belongs to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Uuid>,
    /// The same for all events of one saga: the order's id.
    pub correlation_id: Uuid,
    /// Id of the event that caused this event; `null` when no event caused it.
    pub causation_id: Option<Uuid>,
    /// 1, 2, 3 … per aggregate and topic. A redelivered event has the same number. A consumer may report a gap but must not
    /// wait for the missing event. 0: the events of the topic are not numbered.
    pub sequence: u64,
    /// The time of the event.
    pub timestamp: Timestamp,
}

/// A decoded event.
#[derive(Debug, Clone, PartialEq)]
pub struct Received<E> {
    /// The fields common to all events.
    pub head: Head,
    /// The event's own fields.
    pub event: E,
}

/// The JSON of an event and its envelope as one flat object. Does not use `#[serde(flatten)]`, which copies every field
/// through a generic map; this function is called for every published event.
pub fn to_json(head: &Head, event: &impl Event) -> String {
    const PLAIN: &str = "events are plain data";
    let mut json = serde_json::to_vec(head).expect(PLAIN);
    json.pop(); // the closing brace
    let joint = json.len();
    serde_json::to_writer(&mut json, event).expect(PLAIN);
    assert_eq!(json[joint], b'{', "an event is a struct with named fields");
    if json[joint + 1] == b'}' {
        json.remove(joint);
    } else {
        json[joint] = b',';
    }
    String::from_utf8(json).expect("serde_json writes UTF-8")
}

/// Reads the output of [`to_json`]. Unknown fields are ignored.
pub fn from_json<E: DeserializeOwned>(json: &[u8]) -> serde_json::Result<Received<E>> {
    Ok(Received { head: serde_json::from_slice(json)?, event: serde_json::from_slice(json)? })
}

/// Name of an event type without its version, for display: `OrderCreated.v1` is `OrderCreated`.
pub fn name_of(event_type: &str) -> &str {
    event_type.split_once('.').map_or(event_type, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::{Head, from_json, name_of, source, to_json};
    use crate::{Event, ShipmentCancelled, ShipmentFailed, Timestamp};

    fn head() -> Head {
        Head {
            event_id: Uuid::from_u128(1),
            order_id: Some(Uuid::from_u128(2)),
            correlation_id: Uuid::from_u128(2),
            causation_id: None,
            sequence: u64::MAX,
            timestamp: "2026-01-24T10:00:00Z".parse().unwrap(),
        }
    }

    /// The reference for the output of `to_json`.
    #[derive(Serialize)]
    struct Flat<'a, E> {
        #[serde(flatten)]
        head: &'a Head,
        #[serde(flatten)]
        event: &'a E,
    }

    fn assert_flat(event: &impl Event) {
        let no_order = Head { order_id: None, causation_id: Some(Uuid::from_u128(3)), ..head() };
        for head in [head(), no_order] {
            assert_eq!(to_json(&head, event), serde_json::to_string(&Flat { head: &head, event }).unwrap());
        }
    }

    #[test]
    fn the_output_equals_serde_flatten() {
        assert_flat(&ShipmentFailed { reason: "“quoted”, {braced} and \\\" escaped".into() });
        assert_flat(&ShipmentFailed { reason: String::new() });
        assert_flat(&ShipmentCancelled {});
    }

    #[test]
    fn an_event_survives_writing_and_reading() {
        let event = ShipmentFailed { reason: "}".into() };
        let received = from_json::<ShipmentFailed>(to_json(&head(), &event).as_bytes()).unwrap();
        assert_eq!((received.head, received.event), (head(), event));
        assert!(from_json::<ShipmentFailed>(br#"{"reason":"no envelope"}"#).is_err());
    }

    #[test]
    fn a_missing_cause_is_null_and_a_missing_order_is_absent() {
        let json: Value = serde_json::from_str(&to_json(&head(), &ShipmentCancelled {})).unwrap();
        assert_eq!(json["causationId"], json!(null));
        assert!(json.as_object().unwrap().contains_key("causationId"));
        assert!(!to_json(&Head { order_id: None, ..head() }, &ShipmentCancelled {}).contains("orderId"));
    }

    #[test]
    #[should_panic(expected = "named fields")]
    fn an_event_that_is_not_an_object_panics() {
        #[derive(Serialize)]
        struct Bare(Timestamp);
        crate::event::event!(Bare = "Bare.v1", "nowhere");
        to_json(&head(), &Bare(Timestamp::default()));
    }

    #[test]
    fn names() {
        assert_eq!(source("order"), "/order-service");
        assert_eq!(name_of("OrderCreated.v1"), "OrderCreated");
        assert_eq!(ShipmentFailed::SCHEMA, "urn:uzon:event:ShipmentFailed.v1");
    }
}
