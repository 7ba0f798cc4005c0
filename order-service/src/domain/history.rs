//! An order's history, and its stored form. The history is written with every transition, so an entry is stored as a list
//! without names. The list omits the version, and the trace when the previous entry has the same:
//!
//! ```text
//! [["PENDING",1790000000000,"PlaceOrder",null,"<trace>"],["RESERVED",1790000000012,"InventoryReserved","<event>"],…]
//! ```
//! Two older forms are still read: `[version, status, time, [type, event], trace]`, and objects with these names.

use std::fmt;

use chrono::DateTime;
use events::{OrderStatus, Timestamp};
use serde::{
    Deserialize, Deserializer, Serializer,
    de::{Error, IntoDeserializer, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
    ser::SerializeSeq,
};
use uuid::Uuid;

use super::Cause;

/// A transition. Versions start at 1 and have no gap.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    pub version: i64,
    pub status: OrderStatus,
    pub at: Timestamp,
    pub cause: Cause,
    pub trace_id: String,
}

pub(super) fn serialize<S: Serializer>(history: &[HistoryEntry], to: S) -> Result<S::Ok, S::Error> {
    let mut lines = to.serialize_seq(Some(history.len()))?;
    let mut before = "";
    for HistoryEntry { status, at, cause, trace_id, .. } in history {
        let (at, kind, event) = (at.utc().timestamp_millis(), &cause.kind, cause.event_id);
        if trace_id == before {
            lines.serialize_element(&(status, at, kind, event))?;
        } else {
            lines.serialize_element(&(status, at, kind, event, trace_id))?;
        }
        before = trace_id;
    }
    lines.end()
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<HistoryEntry>, D::Error> {
    let lines = Vec::<Line>::deserialize(from)?;
    let mut history = Vec::<HistoryEntry>::with_capacity(lines.len());
    for Line { status, at, cause, trace_id } in lines {
        let before = history.last().map(|before| before.trace_id.clone());
        let trace_id = trace_id.or(before).ok_or_else(|| D::Error::custom("the first transition has no trace"))?;
        let version = i64::try_from(history.len() + 1).expect("few");
        history.push(HistoryEntry { version, status, at, cause, trace_id });
    }
    Ok(history)
}

/// A stored entry, without what follows from the previous entries.
struct Line {
    status: OrderStatus,
    at: Timestamp,
    cause: Cause,
    trace_id: Option<String>,
}

/// The first element of a list, which distinguishes the two forms.
enum First {
    Version,
    Status(OrderStatus),
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Forms;

        impl<'de> Visitor<'de> for Forms {
            type Value = Line;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a transition")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Line, A::Error> {
                if let First::Status(status) = next(&mut list)? {
                    let at =
                        DateTime::from_timestamp_millis(next(&mut list)?).ok_or_else(|| A::Error::custom("no time"))?;
                    let cause = Cause { kind: next::<String, _>(&mut list)?.into(), event_id: next(&mut list)? };
                    return Ok(Line { status, at: at.into(), cause, trace_id: list.next_element()? });
                }
                let (status, at) = (next(&mut list)?, next(&mut list)?);
                let (kind, event_id): (String, Option<Uuid>) = next(&mut list)?;
                Ok(Line { status, at, cause: Cause { kind: kind.into(), event_id }, trace_id: Some(next(&mut list)?) })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Line, A::Error> {
                let it = HistoryEntry::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Line { status: it.status, at: it.at, cause: it.cause, trace_id: Some(it.trace_id) })
            }
        }

        from.deserialize_any(Forms)
    }
}

fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(list: &mut A) -> Result<T, A::Error> {
    list.next_element()?.ok_or_else(|| A::Error::custom("a transition has too few elements"))
}

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Kinds;

        impl Visitor<'_> for Kinds {
            type Value = First;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status or a version")
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<First, E> {
                Ok(First::Version)
            }

            fn visit_str<E: Error>(self, status: &str) -> Result<First, E> {
                OrderStatus::deserialize(status.into_deserializer()).map(First::Status)
            }
        }

        from.deserialize_any(Kinds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Progress;

    const STORED: &str = r#"[["PENDING",1790000000000,"PlaceOrder",null,"4bf9"],["RESERVED",1790000000012,"InventoryReserved","00000000-0000-0000-0000-000000000007"],["CANCELLED",1790000000500,"CancelOrder",null,"c0de"]]"#;
    const LISTED: &str = r#"[[1,"PENDING","2026-09-21T14:13:20.000Z",["PlaceOrder",null],"4bf9"],[2,"RESERVED","2026-09-21T14:13:20.012Z",["InventoryReserved","00000000-0000-0000-0000-000000000007"],"4bf9"],[3,"CANCELLED","2026-09-21T14:13:20.500Z",["CancelOrder",null],"c0de"]]"#;
    const NAMED: &str = r#"[{"version":1,"status":"PENDING","at":"2026-09-21T14:13:20.000Z","cause":{"type":"PlaceOrder","eventId":null},"traceId":"4bf9"},{"version":2,"status":"RESERVED","at":"2026-09-21T14:13:20.012Z","cause":{"type":"InventoryReserved","eventId":"00000000-0000-0000-0000-000000000007"},"traceId":"4bf9"},{"version":3,"status":"CANCELLED","at":"2026-09-21T14:13:20.500Z","cause":{"type":"CancelOrder","eventId":null},"traceId":"c0de"}]"#;

    fn read(history: &str) -> Result<Progress, serde_json::Error> {
        let sequences = r#"{"ordersIn":0,"ordersValidated":0,"orderStatus":0}"#;
        serde_json::from_str(&format!(r#"{{"history":{history},"sequences":{sequences}}}"#))
    }

    /// Rows of every earlier release stay readable.
    #[test]
    fn every_stored_form_is_read() {
        let entry = |version, status, at: &str, kind, event, trace: &str| HistoryEntry {
            version,
            status,
            at: at.parse().unwrap(),
            cause: Cause::new(kind, event),
            trace_id: trace.into(),
        };
        let event = Some(Uuid::from_u128(7));
        let expected = [
            entry(1, OrderStatus::Pending, "2026-09-21T14:13:20.000Z", "PlaceOrder", None, "4bf9"),
            entry(2, OrderStatus::Reserved, "2026-09-21T14:13:20.012Z", "InventoryReserved", event, "4bf9"),
            entry(3, OrderStatus::Cancelled, "2026-09-21T14:13:20.500Z", "CancelOrder", None, "c0de"),
        ];
        for history in [STORED, LISTED, NAMED] {
            let progress = read(history).unwrap();
            assert_eq!(progress.history, expected);
            assert!(serde_json::to_string(&progress).unwrap().contains(STORED), "written in the current form");
        }
    }

    #[test]
    fn an_invalid_history_is_refused() {
        for wrong in
            [r#"[["RESERVED",1]]"#, r#"[["RESERVED",1,"Kind",null]]"#, r#"[["EATEN",1,"Kind",null,"4bf9"]]"#, "[7]"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
