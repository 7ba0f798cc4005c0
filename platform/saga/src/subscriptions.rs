//! From a record of the bus to a delivery.

use std::collections::BTreeMap;

use bus::Record;
use chrono::{DateTime, Utc};
use events::envelope;
use telemetry::Trace;
use uuid::Uuid;

use crate::{Delivery, InputSource, Participant, decode};

/// The event types that a participant reacts to, by topic. Other types on these topics are passed over.
/// (In order, so that a simulation with the same seed takes the same steps.)
#[derive(Debug, Clone, Default)]
pub struct Subscriptions(BTreeMap<String, Vec<&'static str>>);

/// A record that is no event, or whose version or content this program cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undecodable(pub String);

impl Subscriptions {
    pub fn new(types: impl IntoIterator<Item = (&'static str, Vec<&'static str>)>) -> Self {
        Self(types.into_iter().map(|(topic, types)| (topic.to_owned(), types)).collect())
    }

    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// `None`: an event that the participant does not react to; its content is not looked at.
pub fn decode_record<P: Participant>(
    subscriptions: &Subscriptions,
    record: &Record,
) -> Result<Option<Delivery<P::Input>>, Undecodable> {
    let message = &record.message;
    let header = |name: &str| message.header(name).and_then(|value| std::str::from_utf8(value).ok());
    let required = |name: &str| header(name).ok_or_else(|| Undecodable(format!("no readable header {name}")));
    let kind = required(envelope::TYPE)?;
    let Some(types) = subscriptions.0.get(&*record.topic) else { return Ok(None) };
    if !types.contains(&kind) {
        let name = |kind: &str| kind.rsplit_once(".v").map(|(name, _)| name.to_owned());
        let is_other_version = name(kind).is_some_and(|it| types.iter().any(|kind| name(kind).as_ref() == Some(&it)));
        return if is_other_version { Err(Undecodable(format!("unknown version: {kind}"))) } else { Ok(None) };
    }
    let id = required(envelope::ID)?;
    let id = Uuid::try_parse(id).map_err(|_| Undecodable(format!("{} is no UUID", envelope::ID)))?;
    let key = Uuid::try_parse_ascii(&message.key).map_err(|_| Undecodable("the key is no UUID".into()))?;
    let at = required(envelope::TIME)?;
    let at = DateTime::parse_from_rfc3339(at).map_err(|_| Undecodable(format!("{} is no time", envelope::TIME)))?;
    let input = decode(kind, &message.value).map_err(|error| Undecodable(format!("{kind}: {error}")))?;
    let Some(input) = input else { return Ok(None) };
    Ok(Some(Delivery {
        id,
        source: InputSource::Event,
        key,
        cause: Some(id),
        at: at.with_timezone(&Utc),
        sequence: header(envelope::SEQUENCE).and_then(|number| number.parse().ok()).unwrap_or_default(),
        trace: message.header(envelope::TRACEPARENT).and_then(Trace::parse).unwrap_or_default(),
        input,
    }))
}
