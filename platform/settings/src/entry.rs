//! One setting, as the commented defaults declare it.

use serde_json::Value as Json;

use super::{
    kind::{Bound, Kind},
    toml,
};

#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Dotted: `http.listen`.
    pub key: String,
    pub kind: Kind,
    pub least: Option<Bound>,
    pub most: Option<Bound>,
    /// Hidden wherever it would be shown.
    pub secret: bool,
    /// `None` for a key that overrides another setting.
    pub default: Option<Json>,
    /// The comment in one line.
    pub meaning: String,
    /// Where the name begins in the key, behind the section and a dot.
    name_at: usize,
}

impl Entry {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        variable(&self.key)
    }

    /// `sandbox.carrier.latency` is `latency` of section `sandbox.carrier`.
    pub fn section_and_name(&self) -> (&str, &str) {
        let (section, name) = self.key.split_at(self.name_at);
        (section.trim_end_matches('.'), name)
    }

    /// A key of a section that declares none.
    pub fn undeclared(section: &str, name: &str, kind: Kind) -> Self {
        Self {
            key: format!("{section}.{name}"),
            kind,
            least: None,
            most: None,
            secret: ["password", "secret", "token", ".pem"].iter().any(|word| name.contains(word)),
            default: None,
            meaning: String::new(),
            name_at: section.len() + 1,
        }
    }

    /// The same setting for one service alone, without a default.
    pub fn of_service(&self, service: &str) -> Self {
        let prefix = format!("service.{service}.");
        let (key, name_at) = (format!("{prefix}{}", self.key), prefix.len() + self.name_at);
        Self { key, name_at, default: None, ..self.clone() }
    }

    pub fn read(leaf: toml::Leaf) -> Result<Self, String> {
        let default = leaf.value.map_err(|what| format!("a setting cannot be {what}"))?;
        let mut kind = Kind::of(&default).ok_or("a list holds texts only")?;
        let (mut least, mut most, mut secret, mut meaning) = (None, None, false, Vec::new());
        for line in leaf.comment.lines() {
            let rule = line.strip_suffix('.').unwrap_or_default();
            if rule == "Secret" {
                secret = true;
            } else if let Some(choices) = rule.strip_prefix("One of: ") {
                kind = Kind::Choice(choices.split(", ").map(str::to_owned).collect());
            } else if let Some(bound) = rule.strip_prefix("At least ").and_then(|text| kind.bound(text)) {
                least = Some(bound);
            } else if let Some((low, high)) = rule
                .strip_prefix("Between ")
                .and_then(|text| text.split_once(" and "))
                .and_then(|(low, high)| Some((kind.bound(low)?, kind.bound(high)?)))
            {
                (least, most) = (Some(low), Some(high));
            } else {
                meaning.push(line);
            }
        }
        let meaning = meaning.join(" ");
        if meaning.is_empty() {
            return Err("a setting has a comment above it that says what it means".to_owned());
        }
        let name_at = leaf.key.rfind('.').map_or(0, |dot| dot + 1);
        let default_of_entry = Some(default.clone());
        let entry = Self { key: leaf.key, kind, least, most, secret, default: default_of_entry, meaning, name_at };
        entry.check(default).map(|_| entry)
    }
}

/// The environment variable of a key or section.
pub(super) fn variable(key: &str) -> String {
    format!("UZON_{}", key.replace(['.', '-'], "_").to_uppercase())
}
