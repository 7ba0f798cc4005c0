use std::sync::Arc;

use bus::Outgoing;
use events::topic::{dead_letters, of_dead_letters};

/// Names the topics of dead letters on the bus: a pattern in which `{topic}` stands for the topic's own name.
///
/// The outbox stores a copy of a dead letter for `<topic>.DLQ`, whatever that topic is called on the bus. It gets its name when the
/// relay publishes it, so that a changed pattern also applies to copies that were stored before.
#[derive(Debug, Clone)]
pub struct DeadLetterTopic(Arc<str>);

impl DeadLetterTopic {
    pub fn new(pattern: &str) -> Self {
        Self(pattern.into())
    }

    /// The topic that receives the dead letters of this one.
    pub fn of(&self, topic: &str) -> String {
        self.0.replace("{topic}", topic)
    }

    /// Addresses a stored copy of a dead letter to its topic on the bus; `None` for an event.
    pub(crate) fn address(&self, message: &Outgoing) -> Option<Outgoing> {
        let topic = of_dead_letters(&message.topic)?;
        Some(Outgoing { topic: self.of(topic).into(), message: message.message.clone() })
    }
}

/// `{topic}.DLQ`
impl Default for DeadLetterTopic {
    fn default() -> Self {
        Self::new(&dead_letters("{topic}"))
    }
}
