//! How an event travels: CloudEvents 1.0 in Kafka's binary mode. Attributes are headers, the value is JSON that repeats
//! the essential ones, so that a record stands alone for a reader who knows no CloudEvents.

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
/// Header: who published it, see [`source`].
pub const SOURCE: &str = "ce_source";
/// Header: when it happened.
pub const TIME: &str = "ce_time";
/// Header: what it is about, the order's id (the product's for `ProductChanged`).
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

/// What [`SOURCE`] says for a service's short name.
pub fn source(service: &str) -> String {
    format!("/{service}-service")
}

/// What every event carries besides its own fields, in the same JSON object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The event's id. A repeat has the same.
    pub event_id: Uuid,
    /// The order it is about; absent when it is about none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Uuid>,
    /// The same for everything that follows from one beginning: the order's id.
    pub correlation_id: Uuid,
    /// The event that led to this one; `null` when none did.
    pub causation_id: Option<Uuid>,
    /// 1, 2, 3 … per aggregate and topic. A repeat has the same, a gap is worth a report; never a reason to wait.
    pub sequence: u64,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// An event as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Received<E> {
    /// What every event carries.
    pub head: Head,
    /// Its own fields.
    pub event: E,
}

/// The JSON of an event with its envelope: both as one flat object. Not `#[serde(flatten)]`, which copies every field
/// through a generic map on the hottest path there is.
pub fn to_json(head: &Head, event: &impl Event) -> String {
    const PLAIN: &str = "events are plain data";
    let mut json = serde_json::to_vec(head).expect(PLAIN);
    json.pop(); // the closing brace
    let seam = json.len();
    serde_json::to_writer(&mut json, event).expect(PLAIN);
    assert_eq!(json[seam], b'{', "an event is a struct with named fields");
    if json[seam + 1] == b'}' {
        json.remove(seam);
    } else {
        json[seam] = b',';
    }
    String::from_utf8(json).expect("serde_json writes UTF-8")
}

/// Reads what [`to_json`] wrote. Unknown fields are passed over.
pub fn from_json<E: DeserializeOwned>(json: &[u8]) -> serde_json::Result<Received<E>> {
    Ok(Received { head: serde_json::from_slice(json)?, event: serde_json::from_slice(json)? })
}

/// Name of an event type without its version, for people: `OrderCreated.v1` is `OrderCreated`.
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

    /// What `to_json` is to be equal to.
    #[derive(Serialize)]
    struct Flat<'a, E> {
        #[serde(flatten)]
        head: &'a Head,
        #[serde(flatten)]
        event: &'a E,
    }

    fn same(event: &impl Event) {
        let no_order = Head { order_id: None, causation_id: Some(Uuid::from_u128(3)), ..head() };
        for head in [head(), no_order] {
            assert_eq!(to_json(&head, event), serde_json::to_string(&Flat { head: &head, event }).unwrap());
        }
    }

    #[test]
    fn it_is_as_if_flattened() {
        same(&ShipmentFailed { reason: "“quoted”, {braced} and \\\" escaped".into() });
        same(&ShipmentFailed { reason: String::new() });
        same(&ShipmentCancelled {});
    }

    #[test]
    fn it_comes_back_as_it_went() {
        let event = ShipmentFailed { reason: "}".into() };
        let received = from_json::<ShipmentFailed>(to_json(&head(), &event).as_bytes()).unwrap();
        assert_eq!((received.head, received.event), (head(), event));
        assert!(from_json::<ShipmentFailed>(br#"{"reason":"no envelope"}"#).is_err());
    }

    #[test]
    fn no_cause_is_said_and_no_order_is_not() {
        let json: Value = serde_json::from_str(&to_json(&head(), &ShipmentCancelled {})).unwrap();
        assert_eq!(json["causationId"], json!(null));
        assert!(json.as_object().unwrap().contains_key("causationId"));
        assert!(!to_json(&Head { order_id: None, ..head() }, &ShipmentCancelled {}).contains("orderId"));
    }

    #[test]
    #[should_panic(expected = "named fields")]
    fn an_event_that_is_no_object_is_a_bug() {
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
