//! Who reacts to what, and what they owe for it: the one place where this is written. The saga ledger's deadlines, the
//! services' subscriptions, the AsyncAPI document and the diagram in `docs/` are derived from it, and the end-to-end
//! scenarios are compared with it.

mod reactions;
mod starts;
mod topics;

use std::{collections::BTreeSet, time::Duration};

pub use reactions::REACTIONS;
pub use starts::STARTS;
pub use topics::TOPICS;

/// A topic: one owner publishes, anyone reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// Its name, without the prefix an installation may put before it.
    pub name: &'static str,
    /// Short name of the only service that publishes to it.
    pub owner: &'static str,
    /// What records are keyed by: their order is kept per key.
    pub key: Key,
    /// Only the last record of each key is kept for ever.
    pub compacted: bool,
    /// Every type found in it.
    pub events: &'static [&'static str],
}

/// What the records of a topic are keyed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The order they are about.
    Order,
    /// The product they are about.
    Product,
}

/// What a service does about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reaction {
    /// Any one of these.
    pub on: &'static [&'static str],
    /// Short name of the service that reacts.
    pub service: &'static str,
    /// In words.
    pub does: &'static str,
    /// It owes one of these; nothing when empty. One of them that came earlier settles it as well.
    pub owes: &'static [&'static str],
    /// It owes something only if one of these has happened too, before or after; always when empty.
    pub given: &'static [&'static str],
    /// It owes nothing (any more) once one of these has happened.
    pub unless: &'static [&'static str],
    /// What it may publish besides.
    pub also: &'static [&'static str],
    /// How long it may take, from the moment it owes. `None`: nothing measures it.
    pub within: Option<Duration>,
    /// It undoes something: may be late, must not be lost.
    pub undoes: bool,
}

/// Something no event asks for at that moment: a person's command, a timer, the outside world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// In words.
    pub when: &'static str,
    /// Short name of the service it happens to.
    pub service: &'static str,
    /// What the service may publish about it.
    pub publishes: &'static [&'static str],
    /// The events that set the timer or asked the outside: one of them, or none, is the cause that is noted.
    pub after: &'static [&'static str],
}

impl Reaction {
    /// Everything it may publish.
    pub fn publishes(&self) -> impl Iterator<Item = &'static str> {
        self.owes.iter().chain(self.also).copied()
    }
}

/// Every topic.
pub fn topics() -> &'static [Topic] {
    TOPICS
}

/// Every reaction, in the order in which a happy order meets them, then those to trouble.
pub fn reactions() -> &'static [Reaction] {
    REACTIONS
}

/// The topic of this name.
pub fn topic(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.name == name)
}

/// The topic an event type is published to.
pub fn topic_of(event_type: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.events.contains(&event_type))
}

/// What a service does about an event type.
pub fn reactions_to(event_type: &str) -> impl Iterator<Item = &'static Reaction> {
    REACTIONS.iter().filter(move |reaction| reaction.on.contains(&event_type))
}

/// What a service subscribes to: topics, and the types it reacts to in each. The others it passes over unread. Its own
/// topics are not among them: what it said itself it knows.
pub fn heard_by(service: &str) -> Vec<(&'static str, Vec<&'static str>)> {
    let on: BTreeSet<_> =
        REACTIONS.iter().filter(|reaction| reaction.service == service).flat_map(|reaction| reaction.on).collect();
    let heard = |topic: &Topic| topic.events.iter().copied().filter(|kind| on.contains(kind)).collect::<Vec<_>>();
    let others = TOPICS.iter().filter(|topic| topic.owner != service);
    others.map(|topic| (topic.name, heard(topic))).filter(|(_, types)| !types.is_empty()).collect()
}

/// What a service publishes: topics, and the types in each.
pub fn published_by(service: &str) -> Vec<(&'static str, Vec<&'static str>)> {
    TOPICS.iter().filter(|topic| topic.owner == service).map(|topic| (topic.name, topic.events.to_vec())).collect()
}

/// Every (cause, event) that may be seen: which event's id is another's `causationId`. No cause: a start.
pub fn edges() -> BTreeSet<(Option<&'static str>, &'static str)> {
    let reacted = REACTIONS.iter().flat_map(|reaction| {
        reaction.on.iter().flat_map(move |&cause| reaction.publishes().map(move |event| (Some(cause), event)))
    });
    let started = STARTS.iter().flat_map(|start| {
        let causes = start.after.iter().map(|&cause| Some(cause)).chain([None]);
        causes.flat_map(move |cause| start.publishes.iter().map(move |&event| (cause, event)))
    });
    reacted.chain(started).collect()
}

#[cfg(test)]
mod tests;
