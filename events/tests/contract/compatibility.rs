//! Detects incompatible changes of a schema, and validates a value against a schema. Covers the parts of JSON Schema that the
//! event types use.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// The changes from `old` to `new` that break a consumer or publisher of `old`. Compatible changes: new optional fields, new
/// values of an enum (consumers are deployed before publishers), other descriptions.
pub fn incompatibilities(old: &Value, new: &Value) -> Vec<String> {
    let mut found = vec![];
    compare("", old, new, &mut found);
    found
}

fn compare(at: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    for key in ["type", "format", "pattern", "const", "minimum", "maximum", "$id"] {
        let of = |schema: &Value| if key == "type" { types(schema) } else { schema[key].clone() };
        if of(old) != of(new) {
            found.push(format!("{at}: {key} was {} and is {}", of(old), of(new)));
        }
    }

    let (before, now) = (names(&old["required"]), names(&new["required"]));
    found.extend(now.difference(&before).map(|name| format!("{at}/{name}: required, and was not")));
    found.extend(before.difference(&now).map(|name| format!("{at}/{name}: not required any more")));
    for (name, property) in old["properties"].as_object().into_iter().flatten() {
        match new["properties"].get(name) {
            Some(now) => compare(&format!("{at}/{name}"), property, now, found),
            None => found.push(format!("{at}/{name}: removed")),
        }
    }

    let (before, now) = (values(old), values(new));
    found.extend(before.difference(&now).map(|value| format!("{at}: value {value} removed")));
    if !before.is_empty() && now.is_empty() || before.is_empty() && !now.is_empty() {
        found.push(format!("{at}: was an enum or has become one"));
    }

    if old["items"].is_object() || new["items"].is_object() {
        compare(&format!("{at}[]"), &old["items"], &new["items"], found);
    }
    let (before, now) = (choices(old), choices(new));
    if before.len() != now.len() {
        return found.push(format!("{at}: other alternatives"));
    }
    for (before, now) in before.into_iter().zip(now) {
        compare(at, before, now, found);
    }
}

/// The violations of `schema` in `value`.
pub fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = vec![];
    check("", schema, value, &mut found);
    found
}

fn check(at: &str, schema: &Value, value: &Value, found: &mut Vec<String>) {
    let choices = choices(schema);
    if !choices.is_empty() && !choices.iter().any(|choice| violations(choice, value).is_empty()) {
        found.push(format!("{at}: {value} matches no alternative"));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let types = types(schema);
    if types != json!([]) && !types.as_array().expect("a list").contains(&kind.into()) {
        return found.push(format!("{at}: {value} is not of type {types}"));
    }
    let values = values(schema);
    if !values.is_empty() && !values.contains(&value.to_string()) && !value.is_null() {
        found.push(format!("{at}: {value} is none of {values:?}"));
    }
    if let Value::Object(members) = value {
        found.extend(
            names(&schema["required"])
                .iter()
                .filter(|name| !members.contains_key(*name))
                .map(|name| format!("{at}/{name}: missing")),
        );
        for (name, member) in members {
            match schema["properties"].get(name) {
                Some(property) => check(&format!("{at}/{name}"), property, member, found),
                None => found.push(format!("{at}/{name}: not in the schema")),
            }
        }
    }
    for item in value.as_array().into_iter().flatten() {
        check(&format!("{at}[]"), &schema["items"], item, found);
    }
}

/// `"string"` and `["string"]` are equal, and the order of types is irrelevant.
fn types(schema: &Value) -> Value {
    match &schema["type"] {
        Value::Null => json!([]),
        Value::Array(types) => json!(
            types
                .iter()
                .map(ToString::to_string)
                .collect::<BTreeSet<_>>()
                .iter()
                .map(|it| it.trim_matches('"'))
                .collect::<Vec<_>>()
        ),
        one => json!([one]),
    }
}

fn names(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(Into::into)).collect()
}

/// The values of an enum, with or without a description for each.
fn values(schema: &Value) -> BTreeSet<String> {
    let plain = schema["enum"].as_array().into_iter().flatten();
    let described = schema["oneOf"].as_array().into_iter().flatten().filter_map(|choice| choice.get("const"));
    plain.chain(described).map(ToString::to_string).collect()
}

fn choices(schema: &Value) -> Vec<&Value> {
    schema["anyOf"].as_array().into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{incompatibilities, violations};

    fn order() -> Value {
        json!({
            "type": "object",
            "required": ["id", "items"],
            "properties": {
                "id": { "type": "string", "format": "uuid" },
                "note": { "type": ["string", "null"] },
                "state": { "oneOf": [{ "type": "string", "const": "OPEN" }, { "type": "string", "const": "DONE" }] },
                "previous": { "anyOf": [{ "type": "string", "enum": ["OPEN", "DONE"] }, { "type": "null" }] },
                "items": { "type": "array", "items": {
                    "type": "object", "required": ["price"], "properties": { "price": { "type": "string" } },
                } },
            },
        })
    }

    fn after(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut new = order();
        change(&mut new);
        incompatibilities(&order(), &new)
    }

    fn remove(schema: &mut Value, name: &str) {
        schema.as_object_mut().expect("an object").remove(name);
    }

    #[test]
    fn additions_are_compatible() {
        assert_eq!(after(|_| ()), [""; 0]);
        assert_eq!(after(|new| new["properties"]["more"] = json!({ "type": "string" })), [""; 0]);
        assert_eq!(after(|new| new["description"] = "other words".into()), [""; 0]);
        assert_eq!(after(|new| new["properties"]["note"]["type"] = json!(["null", "string"])), [""; 0]);
        let more = json!({ "type": "string", "const": "LOST" });
        assert_eq!(after(|new| new["properties"]["state"]["oneOf"].as_array_mut().unwrap().push(more)), [""; 0]);
    }

    #[test]
    fn removals_and_changed_types_are_incompatible() {
        assert_eq!(after(|new| remove(&mut new["properties"], "note")), ["/note: removed"]);
        assert_eq!(after(|new| new["required"] = json!(["id"])), ["/items: not required any more"]);
        assert_eq!(
            after(|new| remove(&mut new["properties"]["items"]["items"]["properties"], "price")),
            ["/items[]/price: removed"]
        );
        let other = |path: &str, value: Value| after(|new| *new.pointer_mut(path).unwrap() = value).len();
        assert_eq!(other("/properties/id/type", json!("integer")), 1);
        assert_eq!(other("/properties/id/format", json!("date-time")), 1);
        assert_eq!(other("/properties/note/type", json!("string")), 1);
        assert_eq!(other("/properties/items/items/properties/price/type", json!("number")), 1);
        assert_eq!(other("/properties/state/oneOf", json!([{ "type": "string", "const": "OPEN" }])), 1);
        assert_eq!(other("/properties/previous/anyOf/0/enum", json!(["OPEN"])), 1);
        assert_eq!(other("/properties/previous/anyOf", json!([{ "type": "null" }])), 1);
    }

    #[test]
    fn a_new_required_field_is_incompatible() {
        assert_eq!(after(|new| new["required"] = json!(["id", "items", "more"])), ["/more: required, and was not"]);
        assert_eq!(after(|new| new["required"] = json!(["id", "items", "note"])), ["/note: required, and was not"]);
    }

    #[test]
    fn a_value_is_validated() {
        let fits = |value: Value| violations(&order(), &value);
        assert_eq!(
            fits(json!({ "id": "x", "items": [{ "price": "1.00" }], "state": "OPEN", "note": null, "previous": null })),
            [""; 0]
        );
        assert_eq!(fits(json!({ "id": "x", "items": [{}] })), ["/items[]/price: missing"]);
        assert_eq!(fits(json!({ "id": 1, "items": [] })), [r#"/id: 1 is not of type ["string"]"#]);
        assert_eq!(fits(json!({ "id": "x", "items": [], "other": 1 })), ["/other: not in the schema"]);
        assert_eq!(fits(json!({ "id": "x", "items": [], "state": "LOST", "previous": "LOST" })).len(), 2);
    }
}
