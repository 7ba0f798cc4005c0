//! How an event travels: CloudEvents 1.0 in Kafka's binary mode. Attributes are headers, the value is JSON that repeats
//! the essential ones, so that a record stands alone for a reader who knows no CloudEvents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{Event, Timestamp};

/// Version of the CloudEvents specification; always [`SPECVERSION`].
pub const CE_SPECVERSION: &str = "ce_specversion";
/// The event's id.
pub const CE_ID: &str = "ce_id";
/// [`Event::TYPE`].
pub const CE_TYPE: &str = "ce_type";
/// Who published it, see [`source`].
pub const CE_SOURCE: &str = "ce_source";
/// When it happened.
pub const CE_TIME: &str = "ce_time";
/// What it is about: the order's id (the product's for `ProductChanged`).
pub const CE_SUBJECT: &str = "ce_subject";
/// Which JSON Schema the value follows, see [`data_schema`].
pub const CE_DATASCHEMA: &str = "ce_dataschema";
/// Always [`JSON`].
pub const CONTENT_TYPE: &str = "content-type";
/// W3C Trace Context.
pub const TRACEPARENT: &str = "traceparent";
/// W3C Trace Context.
pub const TRACESTATE: &str = "tracestate";

/// Value of [`CE_SPECVERSION`].
pub const SPECVERSION: &str = "1.0";
/// Value of [`CONTENT_TYPE`].
pub const JSON: &str = "application/json";

/// Value of [`CE_SOURCE`] for a service's short name.
pub fn source(service: &str) -> String {
    format!("/{service}-service")
}

/// Value of [`CE_DATASCHEMA`] for an event type; also the `$id` of that schema.
pub fn data_schema(event_type: &str) -> String {
    format!("urn:uzon:event:{event_type}")
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
