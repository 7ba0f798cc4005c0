//! The values in force, each with its source.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value as Json;

use super::{
    entry::Entry,
    problem::{Problem, Source},
    schema::Schema,
    toml,
};

#[derive(Clone)]
pub(super) struct Setting {
    pub value: Json,
    pub source: Source,
}

#[derive(Clone)]
pub(super) struct Values {
    pub schema: Arc<Schema>,
    /// Values that differ from the defaults.
    pub overrides: BTreeMap<String, Setting>,
}

impl Values {
    pub fn new(schema: Schema) -> Self {
        Self { schema: Arc::new(schema), overrides: BTreeMap::new() }
    }

    /// The value in force; `None` if the setting has neither value nor default.
    pub fn get(&self, entry: &Entry) -> Option<Setting> {
        let default = || Some(Setting { value: entry.default.clone()?, source: Source::Default });
        self.overrides.get(&entry.key).cloned().or_else(default)
    }

    pub fn source(&self, key: &str) -> Source {
        self.overrides.get(key).map_or(Source::Default, |setting| setting.source.clone())
    }

    fn put(&mut self, key: &str, value: Result<Json, String>, source: Source, problems: &mut Vec<Problem>) {
        match value {
            Ok(value) => drop(self.overrides.insert(key.to_owned(), Setting { value, source })),
            Err(message) => problems.push(Problem::new(key, source, message)),
        }
    }

    pub fn put_file(&mut self, path: &Path, problems: &mut Vec<Problem>) {
        let source = Source::File(path.to_owned());
        let read =
            fs::read_to_string(path).map_err(|e| format!("cannot be read: {e}")).and_then(|text| toml::read(&text));
        let leaves = match read {
            Ok(flat) => self.known_headers(flat, &source, problems),
            Err(message) => return problems.push(Problem::new("", source, message)),
        };
        let schema = self.schema.clone();
        for leaf in leaves {
            let value = match schema.get(&leaf.key) {
                None if schema.is_for_others(&leaf.key) => continue,
                None => Err(schema.unknown(&leaf.key)),
                Some(entry) => leaf.value.map_err(|what| format!("is {what}")).and_then(|value| entry.check(value)),
            };
            self.put(&leaf.key, value, source.clone(), problems);
        }
    }

    /// Refuses misspelt names of empty sections.
    fn known_headers(&self, flat: toml::Flat, source: &Source, problems: &mut Vec<Problem>) -> Vec<toml::Leaf> {
        for header in flat.headers {
            let inside = format!("{}.", header.name);
            let is_empty = !flat.leaves.iter().any(|leaf| leaf.key.starts_with(&inside));
            let schema = &self.schema;
            let known = schema.entries.iter().any(|entry| entry.key.starts_with(&inside))
                || schema.sections.iter().any(|section| section.name == header.name)
                || schema.is_for_others(&header.name);
            if is_empty && !known {
                problems.push(Problem::new(&header.name, source.clone(), self.schema.unknown(&header.name)));
            }
        }
        flat.leaves
    }

    /// Reads `UZON_<SECTION>_<KEY>`, and the files that `UZON_<SECTION>_<KEY>_FILE` name.
    pub fn put_env(&mut self, variables: &BTreeMap<String, String>, problems: &mut Vec<Problem>) {
        let schema = self.schema.clone();
        for (name, text) in variables {
            let source = Source::Env(name.clone());
            if let Some(entry) = schema.by_variable(name) {
                self.put(&entry.key, entry.parse(text), source, problems);
                continue;
            }
            let plain = name.strip_suffix("_FILE").unwrap_or_default();
            match schema.by_variable(plain) {
                None if schema.is_others_variable(name) => {}
                None => problems.push(Problem::new("", source, schema.unknown_variable(name))),
                Some(entry) if variables.contains_key(plain) => {
                    problems.push(Problem::new(
                        &entry.key,
                        source,
                        format!("{plain} is given as well: keep one of them"),
                    ));
                }
                Some(entry) => {
                    let read = fs::read_to_string(text).map_err(|e| format!("{text} cannot be read: {e}"));
                    let value = read.and_then(|text| entry.parse(text.trim_end_matches(['\r', '\n'])));
                    self.put(&entry.key, value, source, problems);
                }
            }
        }
    }

    pub fn put_set(&mut self, assignment: &str, problems: &mut Vec<Problem>) {
        let schema = self.schema.clone();
        let (key, value) = match assignment.split_once('=') {
            None => (assignment, Err("expected key=value".to_owned())),
            Some((key, text)) => match schema.get(key.trim()) {
                None => (key.trim(), Err(schema.unknown(key.trim()))),
                Some(entry) => (key.trim(), entry.parse(text.trim())),
            },
        };
        self.put(key, value, Source::Set, problems);
    }

    /// Moves every default file in `from` to `to`.
    pub fn put_folder(&mut self, from: &str, to: &str) {
        let from = format!("{from}/");
        for entry in &self.schema.entries {
            let Some(text) = entry.default.as_ref().and_then(Json::as_str) else { continue };
            let Some(at) = text.find(&from).filter(|at| *at == 0 || text[..*at].ends_with(':')) else { continue };
            if matches!(self.source(&entry.key), Source::Default | Source::Data) {
                let path: PathBuf = Path::new(to).join(&text[at + from.len()..]);
                let value = Json::from(format!("{}{}", &text[..at], path.display()));
                self.overrides.insert(entry.key.clone(), Setting { value, source: Source::Data });
            }
        }
    }

    /// The declared settings, and those that were given in sections that take any key.
    pub fn entries(&self) -> impl Iterator<Item = Cow<'_, Entry>> {
        let declared = self.schema.entries.iter().map(Cow::Borrowed);
        declared.chain(self.overrides.keys().filter_map(|key| match self.schema.get(key)? {
            Cow::Owned(entry) => Some(Cow::Owned(entry)),
            Cow::Borrowed(_) => None,
        }))
    }
}
