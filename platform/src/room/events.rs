//! From a record of the bus to a delivery.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use events::envelope;
use uuid::Uuid;

use crate::{Delivery, Door, Participant, Trace, bus::Record, decode as body};

/// The event types a participant listens to, by topic. What comes on a topic and is not named for it is passed over.
/// (In order, so that a simulation goes the same way each time it is given the same seed.)
#[derive(Debug, Clone, Default)]
pub struct Heard(BTreeMap<String, Vec<&'static str>>);

/// A record that is no event, or one whose version or content this program cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undecodable(pub String);

impl Heard {
    pub fn new(heard: impl IntoIterator<Item = (&'static str, Vec<&'static str>)>) -> Self {
        Self(heard.into_iter().map(|(topic, types)| (topic.to_owned(), types)).collect())
    }

    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// `None`: an event nobody here reacts to; its content is not looked at.
pub fn decode<P: Participant>(heard: &Heard, record: &Record) -> Result<Option<Delivery<P::Input>>, Undecodable> {
    let message = &record.message;
    let header = |name: &str| message.header(name).and_then(|value| std::str::from_utf8(value).ok());
    let required = |name: &str| header(name).ok_or_else(|| Undecodable(format!("no readable header {name}")));
    let kind = required(envelope::TYPE)?;
    let Some(types) = heard.0.get(&*record.topic) else { return Ok(None) };
    if !types.contains(&kind) {
        let name = |kind: &str| kind.rsplit_once(".v").map(|(name, _)| name.to_owned());
        let other_version = name(kind).is_some_and(|it| types.iter().any(|kind| name(kind).as_ref() == Some(&it)));
        return if other_version { Err(Undecodable(format!("unknown version: {kind}"))) } else { Ok(None) };
    }
    let id = required(envelope::ID)?;
    let id = Uuid::try_parse(id).map_err(|_| Undecodable(format!("{} is no UUID", envelope::ID)))?;
    let key = Uuid::try_parse_ascii(&message.key).map_err(|_| Undecodable("the key is no UUID".into()))?;
    let at = required(envelope::TIME)?;
    let at = DateTime::parse_from_rfc3339(at).map_err(|_| Undecodable(format!("{} is no time", envelope::TIME)))?;
    let input = body::decode(kind, &message.value).map_err(|error| Undecodable(format!("{kind}: {error}")))?;
    let Some(input) = input else { return Ok(None) };
    Ok(Some(Delivery {
        id,
        door: Door::Event,
        key,
        cause: Some(id),
        at: at.with_timezone(&Utc),
        sequence: header(envelope::SEQUENCE).and_then(|number| number.parse().ok()).unwrap_or_default(),
        trace: message.header(envelope::TRACEPARENT).and_then(Trace::parse).unwrap_or_default(),
        input,
    }))
}
