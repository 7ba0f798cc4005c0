//! The AsyncAPI document for readers outside of this repository: topics, messages, and the services that send and receive
//! them.

use serde_json::{Map, Value, json};

use crate::{
    Contract,
    choreography::{Key, TOPICS, Topic, heard_by, published_by},
    contracts, envelope, service,
};

/// The document, version 3.0.
pub fn document() -> Value {
    let messages = contracts();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Uzon events",
            "version": "1.0.0",
            "description": "The events of an order's life cycle. CloudEvents 1.0 in Kafka's binary mode: attributes in headers, \
                the event as JSON in the value. Changes are additive; readers ignore fields they do not know.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "channels": TOPICS.iter().map(|topic| (topic.name.into(), channel(topic))).collect::<Map<_, _>>(),
        "operations": service::ALL.iter().flat_map(|service| operations(service)).collect::<Map<_, _>>(),
        "components": {
            "messages": messages.iter().map(|it| (it.event_type.into(), message(it))).collect::<Map<_, _>>(),
            "schemas": {
                "headers": headers(),
                "key": { "type": "string", "format": "uuid" },
            },
        },
    })
}

fn channel(topic: &Topic) -> Value {
    let key = match topic.key {
        Key::Order => "order",
        Key::Product => "product",
    };
    let kept = if topic.compacted { " Compacted: the last record of each key stays." } else { "" };
    json!({
        "address": topic.name,
        "description": format!("Published by the {} service. Key: id of the {key}.{kept}", topic.owner),
        "messages": topic.events.iter().map(|&kind| {
            (kind.into(), json!({ "$ref": format!("#/components/messages/{kind}") }))
        }).collect::<Map<_, _>>(),
        "bindings": { "kafka": {
            "topic": topic.name,
            "topicConfiguration": { "cleanup.policy": [if topic.compacted { "compact" } else { "delete" }] },
            "bindingVersion": "0.5.0",
        } },
    })
}

fn message(contract: &Contract) -> Value {
    let mut payload = contract.schema();
    let description = payload.as_object_mut().and_then(|schema| {
        schema.remove("$schema"); // AsyncAPI's default dialect is enough for these types, and every tool reads it
        schema.get("description").cloned()
    });
    json!({
        "name": contract.event_type,
        "title": envelope::name_of(contract.event_type),
        "summary": description,
        "headers": { "$ref": "#/components/schemas/headers" },
        "payload": payload,
        "correlationId": { "location": "$message.payload#/correlationId" },
        "bindings": { "kafka": { "key": { "$ref": "#/components/schemas/key" }, "bindingVersion": "0.5.0" } },
        "examples": [{ "name": "golden", "payload": serde_json::from_str::<Value>(contract.sample).expect("samples are JSON") }],
    })
}

/// One operation per service and topic, with the event types the service publishes there or reacts to.
fn operations(service: &str) -> Vec<(String, Value)> {
    let operation = |action: &str, (topic, types): (&str, Vec<&str>)| {
        let messages = types.iter().map(|kind| json!({ "$ref": format!("#/channels/{topic}/messages/{kind}") }));
        let value = json!({
            "action": action,
            "channel": { "$ref": format!("#/channels/{topic}") },
            "title": format!("{service}-service {action}s {topic}"),
            "messages": messages.collect::<Vec<_>>(),
        });
        (format!("{service}.{action}.{topic}"), value)
    };
    let sends = published_by(service).into_iter().map(|it| operation("send", it));
    sends.chain(heard_by(service).into_iter().map(|it| operation("receive", it))).collect()
}

fn headers() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let uuid = |description: &str| json!({ "type": "string", "format": "uuid", "description": description });
    json!({
        "type": "object",
        "required": [
            envelope::SPECVERSION, envelope::ID, envelope::TYPE, envelope::SOURCE, envelope::TIME, envelope::SUBJECT,
            envelope::DATASCHEMA, envelope::CONTENT_TYPE, envelope::TRACEPARENT,
        ],
        "properties": {
            envelope::SPECVERSION: { "type": "string", "const": "1.0" },
            envelope::ID: uuid("The event's id. A redelivered event has the same id."),
            envelope::TYPE: text("Name and version of the event type."),
            envelope::SOURCE: text("The service that published the event."),
            envelope::TIME: { "type": "string", "format": "date-time", "description": "The time of the event." },
            envelope::SUBJECT: uuid("Id of the event's subject: the order, or the product."),
            envelope::SEQUENCE: text("The payload's `sequence`, in digits."),
            envelope::DATASCHEMA: text("`$id` of the JSON Schema of the value."),
            envelope::CONTENT_TYPE: { "type": "string", "const": "application/json" },
            envelope::TRACEPARENT: text("W3C Trace Context."),
            envelope::TRACESTATE: text("W3C Trace Context."),
        },
    })
}
