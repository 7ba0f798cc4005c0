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
