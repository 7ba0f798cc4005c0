//! Which settings there are: read from the commented defaults, so that documentation and check cannot disagree.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value as Json;

use super::{
    kind::{Bound, Kind},
    problem::{Problem, Source},
    toml,
};

/// One setting.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Dotted: `http.listen`.
    pub key: String,
    pub kind: Kind,
    pub least: Option<Bound>,
    pub most: Option<Bound>,
    /// Hidden wherever it would be shown.
    pub secret: bool,
    /// None for what overrides another setting.
    pub default: Option<Json>,
    /// Its comment, in one line.
    pub meaning: String,
    /// Of its name in the key; the section and a dot stand before it.
    name_at: usize,
}

impl Entry {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("UZON_{}", self.key.replace(['.', '-'], "_").to_uppercase())
    }

    /// `sandbox.carrier.latency` is `latency` of section `sandbox.carrier`.
    pub fn section_and_name(&self) -> (&str, &str) {
        let (section, name) = self.key.split_at(self.name_at);
        (section.trim_end_matches('.'), name)
    }

    /// Of a section that takes any key.
    fn any(section: &str, name: &str) -> Self {
        Self {
            key: format!("{section}.{name}"),
            kind: Kind::Any,
            least: None,
            most: None,
            secret: ["password", "secret", "token", ".pem"].iter().any(|word| name.contains(word)),
            default: None,
            meaning: String::new(),
            name_at: section.len() + 1,
        }
    }

    fn read(leaf: toml::Leaf) -> Result<Self, String> {
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
        let (key, name_at) = (leaf.key.clone(), leaf.key.rfind('.').map_or(0, |dot| dot + 1));
        let entry = Self { key, kind, least, most, secret, default: Some(default), meaning, name_at };
        entry.default.clone().map_or(Ok(()), |default| entry.check(default).map(drop))?;
        Ok(entry)
    }
}

/// A `[section]` and what it is about.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub name: String,
    pub meaning: String,
    /// It declares no keys, and takes any.
    pub open: bool,
}

/// A line of such a section's comment.
const OPEN: &str = "Any key.";

/// All settings, in the order of the texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Schema {
    pub sections: Vec<Section>,
    pub entries: Vec<Entry>,
    by_key: BTreeMap<String, usize>,
    by_variable: BTreeMap<String, usize>,
    /// First words of keys that are for other processes: whatever they say is passed over.
    others: BTreeSet<String>,
}

impl Schema {
    pub fn read<'a>(texts: impl IntoIterator<Item = &'a str>, problems: &mut Vec<Problem>) -> Self {
        let mut schema = Self::default();
        let mut taken = BTreeSet::new();
        for text in texts {
            match toml::read(text) {
                Ok(flat) => schema.add_text(flat, &mut taken, problems),
                Err(message) => problems.push(Problem::new("", Source::Default, message)),
            }
        }
        schema
    }

    fn add_text(&mut self, flat: toml::Flat, taken: &mut BTreeSet<String>, problems: &mut Vec<Problem>) {
        let mut own = BTreeSet::new();
        for leaf in flat.leaves {
            let key = leaf.key.clone();
            let section = key.rsplit_once('.').map_or("", |(section, _)| section).to_owned();
            let added = match Entry::read(leaf) {
                _ if section.is_empty() => Err("a setting belongs into a [section]".to_owned()),
                _ if taken.contains(&section) => Err(format!("section [{section}] has been declared before")),
                Ok(entry) => self.add(entry),
                Err(message) => Err(message),
            };
            own.insert(section);
            problems.extend(added.err().map(|message| Problem::new(key, Source::Default, message)));
        }
        taken.extend(own);
        let sections = flat.headers.into_iter().map(|header| {
            let lines: Vec<&str> = header.comment.lines().filter(|line| *line != OPEN).collect();
            let open = header.comment.lines().any(|line| line == OPEN);
            Section { name: header.name, meaning: lines.join(" "), open }
        });
        self.sections.extend(sections);
    }

    fn add(&mut self, entry: Entry) -> Result<(), String> {
        let index = self.entries.len();
        if let Some(other) = self.by_variable.insert(entry.variable(), index) {
            return Err(format!("shares the variable {} with {}", entry.variable(), self.entries[other].key));
        }
        self.by_key.insert(entry.key.clone(), index);
        self.entries.push(entry);
        Ok(())
    }

    /// Lets `service.<name>.database.…` override `database.…`, and gives it an address of its own.
    pub fn add_service(&mut self, name: &str, problems: &mut Vec<Problem>) {
        let own = |entry: &&Entry| entry.key.starts_with("database.") || entry.key == "http.listen";
        let overrides = self.entries.iter().filter(own).map(|entry| {
            let prefix = format!("service.{name}.");
            let (key, name_at) = (format!("{prefix}{}", entry.key), prefix.len() + entry.name_at);
            Entry { key, name_at, default: None, ..entry.clone() }
        });
        for entry in overrides.collect::<Vec<_>>() {
            let key = entry.key.clone();
            problems.extend(self.add(entry).err().map(|message| Problem::new(key, Source::Default, message)));
        }
    }

    /// Passes over keys that begin with this word, if it is not one of ours.
    pub fn add_other(&mut self, word: String) {
        self.others.insert(word);
    }

    /// A key that is not ours, and is for another process that reads the same file.
    pub fn is_for_others(&self, key: &str) -> bool {
        key.split('.').next().is_some_and(|word| self.others.contains(word))
    }

    /// The same for a variable.
    pub fn is_others_variable(&self, variable: &str) -> bool {
        let begins = |word: &String| variable.starts_with(&format!("UZON_{}_", word.replace('-', "_").to_uppercase()));
        self.others.iter().any(begins)
    }

    pub fn get(&self, key: &str) -> Option<Cow<'_, Entry>> {
        let any = || {
            let open = self.sections.iter().filter(|section| section.open);
            open.filter_map(|section| Some((section, key.strip_prefix(&section.name)?.strip_prefix('.')?)))
                .map(|(section, name)| Cow::Owned(Entry::any(&section.name, name)))
                .next()
        };
        self.by_key.get(key).map(|index| Cow::Borrowed(&self.entries[*index])).or_else(any)
    }

    pub fn by_variable(&self, variable: &str) -> Option<Cow<'_, Entry>> {
        let any = || {
            let mut open = self.sections.iter().filter(|section| section.open);
            open.find_map(|section| {
                let prefix = format!("UZON_{}_", section.name.replace(['.', '-'], "_").to_uppercase());
                let name = variable.strip_prefix(&prefix).filter(|name| !name.is_empty())?;
                Some(Cow::Owned(Entry::any(&section.name, &name.to_lowercase().replace('_', "."))))
            })
        };
        self.by_variable.get(variable).map(|index| Cow::Borrowed(&self.entries[*index])).or_else(any)
    }

    /// Why a key is refused that is not here, and which may have been meant.
    pub fn unknown(&self, key: &str) -> String {
        let within = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
        let open = |section: &Section| section.open && section.name == key;
        if self.entries.iter().any(|entry| within(key, &entry.key)) || self.sections.iter().any(open) {
            return "is a section, not a setting".to_owned();
        }
        if let Some(entry) = self.entries.iter().find(|entry| within(&entry.key, key)) {
            return format!("unknown: {} is a setting, not a section", entry.key);
        }
        let top = key.split('.').next().unwrap_or_default();
        if !self.entries.iter().any(|entry| within(top, &entry.key)) {
            let known: BTreeSet<_> = self.entries.iter().filter_map(|entry| entry.key.split('.').next()).collect();
            return format!("unknown section; there are {}", known.into_iter().collect::<Vec<_>>().join(", "));
        }
        unknown("setting", key, self.entries.iter().map(|entry| entry.key.clone()))
    }

    pub fn unknown_variable(&self, variable: &str) -> String {
        unknown("variable", variable, self.entries.iter().map(Entry::variable))
    }
}

fn unknown(what: &str, name: &str, known: impl Iterator<Item = String>) -> String {
    let nearest = known.map(|candidate| (distance(name, &candidate), candidate)).min();
    match nearest {
        Some((distance, candidate)) if distance <= 3 => format!("unknown {what}; did you mean {candidate}?"),
        _ => format!("unknown {what}"),
    }
}

/// Levenshtein distance: how many letters to insert, delete or change.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
