//! The reactions of each service, and the events each reaction owes. This module is the only definition. The saga ledger's
//! deadlines, the services' subscriptions, the AsyncAPI document and the diagram in `docs/` are derived from it. The
//! end-to-end scenarios are compared with it.

mod reactions;
mod starts;
mod topics;

use std::{collections::BTreeSet, time::Duration};

pub use reactions::REACTIONS;
pub use starts::STARTS;
pub use topics::TOPICS;

/// A topic. Its owner alone publishes to it; any service may consume it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// The name, without `bus.topic_prefix`.
    pub name: &'static str,
    /// Short name of the only service that publishes to the topic.
    pub owner: &'static str,
    /// The key of the records. Records with the same key keep their order.
    pub key: Key,
    /// Whether the topic is compacted: the last record of each key is never deleted.
    pub compacted: bool,
    /// Every event type of the topic.
    pub events: &'static [&'static str],
}

/// The key of a topic's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The order id.
    Order,
    /// The product id.
    Product,
}

/// What a service does on an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reaction {
    /// The event types; each of them triggers the reaction.
    pub on: &'static [&'static str],
    /// Short name of the service that reacts.
    pub service: &'static str,
    /// Description.
    pub does: &'static str,
    /// The service owes one of these events; it owes none when the list is empty. An earlier event of these types counts too.
    pub owes: &'static [&'static str],
    /// An event is owed only if one of these was published, before or after. No condition when the list is empty.
    pub given: &'static [&'static str],
    /// Nothing is owed once one of these was published.
    pub unless: &'static [&'static str],
    /// Other events the reaction may publish.
    pub also: &'static [&'static str],
    /// Deadline, from the moment the event is owed. `None`: there is no deadline.
    pub within: Option<Duration>,
    /// Whether the reaction is a compensation, which may be late but must not be lost.
    pub undoes: bool,
}

/// A cause that is not an event: a command, a timer, or an external system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Description.
    pub when: &'static str,
    /// Short name of the service that publishes.
    pub service: &'static str,
    /// The events the service may publish.
    pub publishes: &'static [&'static str],
    /// The events that set the timer or led to the external call. `causationId` names one of them or is `null`.
    pub after: &'static [&'static str],
}

impl Reaction {
    /// Every event the reaction may publish.
    pub fn publishes(&self) -> impl Iterator<Item = &'static str> {
        self.owes.iter().chain(self.also).copied()
    }
}

/// Every topic.
pub fn topics() -> &'static [Topic] {
    TOPICS
}

/// Every reaction: first those of a successful order in their sequence, then those to failures.
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

/// The reactions to an event type.
pub fn reactions_to(event_type: &str) -> impl Iterator<Item = &'static Reaction> {
    REACTIONS.iter().filter(move |reaction| reaction.on.contains(&event_type))
}

/// The subscriptions of a service: topics, and the event types it reacts to in each. A service skips other types without
/// decoding them. It does not subscribe to its own topics.
pub fn heard_by(service: &str) -> Vec<(&'static str, Vec<&'static str>)> {
    let on: BTreeSet<_> =
        REACTIONS.iter().filter(|reaction| reaction.service == service).flat_map(|reaction| reaction.on).collect();
    let consumed = |topic: &Topic| topic.events.iter().copied().filter(|kind| on.contains(kind)).collect::<Vec<_>>();
    let others = TOPICS.iter().filter(|topic| topic.owner != service);
    others.map(|topic| (topic.name, consumed(topic))).filter(|(_, types)| !types.is_empty()).collect()
}

/// The topics a service publishes to, and the event types of each.
pub fn published_by(service: &str) -> Vec<(&'static str, Vec<&'static str>)> {
    TOPICS.iter().filter(|topic| topic.owner == service).map(|topic| (topic.name, topic.events.to_vec())).collect()
}

/// Every possible pair of cause and event: the cause is the event whose id is the other's `causationId`. The cause is
/// `None` when the event comes from a start.
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
