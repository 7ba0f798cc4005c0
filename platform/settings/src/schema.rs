//! The settings there are, read from the commented defaults.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    entry::{Entry, variable},
    kind::Kind,
    problem::{Problem, Source},
    suggestion::unknown,
    toml,
};

/// A `[section]` and its comment.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub name: String,
    pub meaning: String,
    pub keys: Keys,
}

/// Which keys a section has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    Declared,
    /// A line of the comment says `Any key.`
    Any,
    /// A line of the comment says `A key for each service.`
    PerService,
}

impl Keys {
    fn of(line: &str) -> Option<Self> {
        match line {
            "Any key." => Some(Self::Any),
            "A key for each service." => Some(Self::PerService),
            _ => None,
        }
    }
}

/// All settings, in the order of the texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Schema {
    pub sections: Vec<Section>,
    pub entries: Vec<Entry>,
    by_key: BTreeMap<String, usize>,
    by_variable: BTreeMap<String, usize>,
    /// First words of keys that other processes read: ignored here.
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
        self.sections.extend(flat.headers.into_iter().map(|header| {
            let (rules, meaning): (Vec<_>, Vec<_>) = header.comment.lines().partition(|line| Keys::of(line).is_some());
            let keys = rules.into_iter().find_map(Keys::of).unwrap_or(Keys::Declared);
            Section { name: header.name, meaning: meaning.join(" "), keys }
        }));
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

    /// Declares a service's keys in sections that have one for each service, and `service.<name>.…`, which overrides
    /// `database.…` and `http.listen`.
    pub fn add_service(&mut self, name: &str, problems: &mut Vec<Problem>) {
        let per_service = self.sections.iter().filter(|section| section.keys == Keys::PerService);
        let mut own: Vec<Entry> =
            per_service.map(|section| Entry::undeclared(&section.name, name, Kind::Text)).collect();
        let overridden = |entry: &&Entry| entry.key.starts_with("database.") || entry.key == "http.listen";
        own.extend(self.entries.iter().filter(overridden).map(|entry| entry.of_service(name)));
        for entry in own {
            let key = entry.key.clone();
            problems.extend(self.add(entry).err().map(|message| Problem::new(key, Source::Default, message)));
        }
    }

    /// Ignores keys that begin with this word, unless they are declared.
    pub fn add_other(&mut self, word: String) {
        self.others.insert(word);
    }

    /// Whether another process that reads the same file reads this key.
    pub fn is_for_others(&self, key: &str) -> bool {
        key.split('.').next().is_some_and(|word| self.others.contains(word))
    }

    /// The same for a variable.
    pub fn is_others_variable(&self, name: &str) -> bool {
        self.others.iter().any(|word| name.starts_with(&format!("{}_", variable(word))))
    }

    /// Sections that take any key.
    fn open(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| section.keys == Keys::Any)
    }

    pub fn get(&self, key: &str) -> Option<Cow<'_, Entry>> {
        let any = || {
            self.open().find_map(|section| {
                let name = key.strip_prefix(&section.name)?.strip_prefix('.')?;
                Some(Cow::Owned(Entry::undeclared(&section.name, name, Kind::Any)))
            })
        };
        self.by_key.get(key).map(|index| Cow::Borrowed(&self.entries[*index])).or_else(any)
    }

    pub fn by_variable(&self, name: &str) -> Option<Cow<'_, Entry>> {
        let any = || {
            self.open().find_map(|section| {
                let rest = name.strip_prefix(&variable(&section.name))?.strip_prefix('_')?;
                let key = rest.to_lowercase().replace('_', ".");
                (!key.is_empty()).then(|| Cow::Owned(Entry::undeclared(&section.name, &key, Kind::Any)))
            })
        };
        self.by_variable.get(name).map(|index| Cow::Borrowed(&self.entries[*index])).or_else(any)
    }

    /// Why a key that is not declared is refused, and which may have been meant.
    pub fn unknown(&self, key: &str) -> String {
        let within = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
        let is_section = self.sections.iter().any(|section| section.name == key);
        if is_section || self.entries.iter().any(|entry| within(key, &entry.key)) {
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

    pub fn unknown_variable(&self, name: &str) -> String {
        unknown("variable", name, self.entries.iter().map(Entry::variable))
    }
}
