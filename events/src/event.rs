/// An event that one service publishes for the others. A type holds the event's own fields; [`crate::Head`] holds the
/// fields common to all events.
pub trait Event: serde::Serialize {
    /// Name and version as sent in `ce_type`, such as `OrderCreated.v1`. Never rename: every stored record contains it.
    const TYPE: &'static str;
    /// The topic the event is published to. Never change: consumers would miss the event.
    const TOPIC: &'static str;
    /// `$id` of the event's JSON Schema, as sent in `ce_dataschema`.
    const SCHEMA: &'static str;
}

macro_rules! event {
    ($event:ty = $kind:literal, $topic:expr) => {
        impl $crate::Event for $event {
            const TYPE: &'static str = $kind;
            const TOPIC: &'static str = $topic;
            const SCHEMA: &'static str = concat!("urn:uzon:event:", $kind);
        }
    };
}
pub(crate) use event;
