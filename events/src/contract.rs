//! Each event type with its JSON Schema and its golden sample: the guarantees for consumers in any language.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Event, Head, InventoryInsufficient, InventoryReleased, InventoryReserved, NotificationFailed, NotificationSent,
    OrderCancellationRequested, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderShipped,
    OrderStatusChanged, PaymentFailed, PaymentProcessed, PaymentRefunded, ProductChanged, ReservationExpired,
    ShipmentCancellationRefused, ShipmentCancelled, ShipmentFailed, envelope,
};

/// The guarantees for one event type.
#[derive(Debug, Clone, Copy)]
pub struct Contract {
    /// [`Event::TYPE`].
    pub event_type: &'static str,
    /// [`Event::TOPIC`].
    pub topic: &'static str,
    /// A complete event, envelope included, as the first version of the type was sent. Never changed: stored records have
    /// this form.
    pub sample: &'static str,
    schema: fn() -> Value,
    read: fn(&[u8]) -> serde_json::Result<String>,
}

impl Contract {
    fn of<E: Event + JsonSchema + DeserializeOwned>(sample: &'static str) -> Self {
        let read = |json: &[u8]| {
            let received = envelope::from_json::<E>(json)?;
            Ok(envelope::to_json(&received.head, &received.event))
        };
        Self { event_type: E::TYPE, topic: E::TOPIC, sample, schema: schema_of::<E>, read }
    }

    /// The JSON Schema of the value, envelope included.
    pub fn schema(&self) -> Value {
        (self.schema)()
    }

    /// Reads an event with its envelope and writes it again. The error names the part that does not match the type.
    pub fn read(&self, json: &[u8]) -> serde_json::Result<String> {
        (self.read)(json)
    }
}

/// The contract of an event type.
pub fn contract_of(event_type: &str) -> Option<Contract> {
    contracts().into_iter().find(|contract| contract.event_type == event_type)
}

/// Every event type, in the order of the topics.
pub fn contracts() -> Vec<Contract> {
    macro_rules! contract {
        ($event:ident) => {
            Contract::of::<$event>(include_str!(concat!("../samples/", stringify!($event), ".v1.json")))
        };
    }
    vec![
        contract!(OrderCreated),
        contract!(OrderCancellationRequested),
        contract!(OrderCancelled),
        contract!(InventoryReserved),
        contract!(InventoryInsufficient),
        contract!(InventoryReleased),
        contract!(ReservationExpired),
        contract!(PaymentProcessed),
        contract!(PaymentFailed),
        contract!(PaymentRefunded),
        contract!(OrderConfirmed),
        contract!(OrderShipped),
        contract!(OrderDelivered),
        contract!(ShipmentFailed),
        contract!(ShipmentCancelled),
        contract!(ShipmentCancellationRefused),
        contract!(OrderStatusChanged),
        contract!(NotificationSent),
        contract!(NotificationFailed),
        contract!(ProductChanged),
    ]
}

/// The event's schema with the envelope's fields before its own fields. Schemas are inlined instead of shared by `$ref`,
/// so that each file is complete.
fn schema_of<E: Event + JsonSchema>() -> Value {
    let plain = |schema: schemars::Schema| schema.to_value();
    let generator =
        || SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).into_generator();
    let (head, mut event) =
        (plain(generator().into_root_schema_for::<Head>()), plain(generator().into_root_schema_for::<E>()));

    let (Value::Object(head), Value::Object(schema)) = (head, &mut event) else { unreachable!("structs are objects") };
    schema.insert("$id".into(), E::SCHEMA.into());
    schema.insert("title".into(), E::TYPE.into());
    for part in ["properties", "required"] {
        let own = schema.remove(part);
        let joined = match (head[part].clone(), own) {
            (Value::Object(mut envelope), Some(Value::Object(own))) => {
                for (name, property) in own {
                    let before = envelope.insert(name, property);
                    assert!(before.is_none(), "{} has a field with the name of an envelope field", E::TYPE);
                }
                Value::Object(envelope)
            }
            (Value::Array(envelope), Some(Value::Array(own))) => envelope.into_iter().chain(own).collect(),
            (envelope, _) => envelope,
        };
        schema.insert(part.into(), joined);
    }
    event
}
