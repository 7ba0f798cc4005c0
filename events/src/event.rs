/// Something that happened, told to other services. The value holds the event's own fields; what every event carries
/// besides them is [`crate::Head`].
pub trait Event: serde::Serialize {
    /// Name and version as sent in `ce_type`, such as `OrderCreated.v1`. Never rename: it is in every stored record.
    const TYPE: &'static str;
    /// Where it is published. Never move: readers would miss it.
    const TOPIC: &'static str;
    /// Which JSON Schema it follows, as sent in `ce_dataschema`; the schema's `$id`.
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
