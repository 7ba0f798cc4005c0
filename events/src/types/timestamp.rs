use std::{borrow::Cow, fmt, str::FromStr};

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A time with millisecond precision. It is truncated when it is created, so that a value read back equals the value sent.
/// Written in JSON as RFC 3339 in UTC (`2026-01-24T10:00:00.000Z`); read from any RFC 3339 text.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The time as a chrono type.
    pub const fn utc(self) -> DateTime<Utc> {
        self.0
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.trunc_subsecs(3))
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

impl FromStr for Timestamp {
    type Err = chrono::ParseError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DateTime::parse_from_rfc3339(text).map(|time| time.to_utc().into())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "description": "RFC 3339, UTC, with milliseconds." })
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn always_utc_with_milliseconds() {
        for (text, written) in [
            ("2026-01-24T10:00:00Z", "2026-01-24T10:00:00.000Z"),
            ("2026-01-24T12:00:00.123456+02:00", "2026-01-24T10:00:00.123Z"),
            ("2026-01-24T10:00:00.9999Z", "2026-01-24T10:00:00.999Z"),
        ] {
            let time: Timestamp = serde_json::from_str(&format!("{text:?}")).unwrap();
            let json = serde_json::to_string(&time).unwrap();
            assert_eq!(json, format!("{written:?}"));
            assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time);
        }
        for text in ["", "2026-01-24", "2026-01-24T10:00:00", "1769248800"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
