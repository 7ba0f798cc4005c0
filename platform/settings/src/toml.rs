//! TOML read as a flat list of dotted keys with their comments.

use serde_json::{Number, Value as Json};
use toml_edit::{DocumentMut, Item, TableLike, Value};

/// A key with a value.
pub(super) struct Leaf {
    /// Dotted: `http.listen`.
    pub key: String,
    /// `Err` names what a setting cannot be, such as a date.
    pub value: Result<Json, &'static str>,
    /// The comment above it.
    pub comment: String,
}

/// A `[section]`.
pub(super) struct Header {
    pub name: String,
    pub comment: String,
}

#[derive(Default)]
pub(super) struct Flat {
    pub headers: Vec<Header>,
    pub leaves: Vec<Leaf>,
}

/// Reads a TOML text. The error names line and cause, but never quotes the text: the line may contain a secret.
pub(super) fn read(text: &str) -> Result<Flat, String> {
    let document: DocumentMut = text.parse().map_err(|e: toml_edit::TomlError| {
        let start = e.span().map_or(0, |span| span.start);
        let line = text.bytes().take(start).filter(|b| *b == b'\n').count() + 1;
        format!("line {line} is not TOML: {}", e.message().replace('\n', ", "))
    })?;
    let mut flat = Flat::default();
    flatten(document.as_table(), "", &mut flat);
    Ok(flat)
}

fn flatten(table: &dyn TableLike, prefix: &str, flat: &mut Flat) {
    for (name, item) in table.iter() {
        let key = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        if let Some(inner) = item.as_table_like() {
            if let Item::Table(table) = item {
                let comment = comment(table.decor());
                if !table.is_implicit() {
                    flat.headers.push(Header { name: key.clone(), comment });
                }
            }
            flatten(inner, &key, flat);
        } else {
            let comment = table.key(name).map(|key| comment(key.leaf_decor())).unwrap_or_default();
            flat.leaves.push(Leaf { key, value: value(item), comment });
        }
    }
}

fn value(item: &Item) -> Result<Json, &'static str> {
    item.as_value().ok_or("a list of tables").and_then(json)
}

fn json(value: &Value) -> Result<Json, &'static str> {
    Ok(match value {
        Value::Boolean(b) => Json::Bool(*b.value()),
        Value::Integer(i) => Json::from(*i.value()),
        Value::Float(f) => Json::Number(Number::from_f64(*f.value()).ok_or("not a finite number")?),
        Value::String(s) => Json::from(s.value().as_str()),
        Value::Array(array) => Json::Array(array.iter().map(json).collect::<Result<_, _>>()?),
        Value::Datetime(_) => return Err("a date"),
        Value::InlineTable(_) => return Err("a table"),
    })
}

/// The comment directly above; lines before an empty line belong to something else.
fn comment(decor: &toml_edit::Decor) -> String {
    let text = decor.prefix().and_then(|raw| raw.as_str()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let from = lines.iter().rposition(|line| line.is_empty()).map_or(0, |i| i + 1);
    let own: Vec<&str> = lines[from..].iter().map(|line| line.trim_start_matches('#').trim()).collect();
    own.join("\n")
}

/// The value as TOML writes it.
pub(super) fn render(value: &Json) -> String {
    match value {
        Json::String(text) => Value::from(text.as_str()).to_string(),
        Json::Array(items) => format!("[{}]", items.iter().map(render).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
