//! Conversion of the values in force to types.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::{
    problem::{ConfigError, Problem, Source},
    values::Values,
};

impl Values {
    /// Builds a type from the settings for which `place` returns a path. Starts from the defaults and adds the overrides
    /// one by one, so that every value that does not fit is found and named.
    pub fn typed<T: DeserializeOwned>(&self, place: impl Fn(&str) -> Option<String>) -> Result<T, ConfigError> {
        let mut tree = Json::Object(Map::new());
        let mut overrides = Vec::new();
        for entry in self.entries() {
            let Some(path) = place(&entry.key) else { continue };
            let (_, name) = entry.section_and_name();
            let path = Place::of(&path, name);
            if let Some(default) = &entry.default {
                path.put(&mut tree, default.clone());
            }
            overrides.extend(self.overrides.get(&entry.key).map(|setting| (entry, path, setting)));
        }
        let from_defaults = T::deserialize(&tree).map_err(|e| Problem::new("", Source::Default, e.to_string()));
        let (mut typed, mut problems) = (from_defaults?, Vec::new());
        for (entry, path, setting) in overrides {
            let mut with = tree.clone();
            path.put(&mut with, setting.value.clone());
            match T::deserialize(&with) {
                Ok(better) => (typed, tree) = (better, with),
                Err(_) if entry.secret => {
                    problems.push(Problem::new(&entry.key, setting.source.clone(), "is not what was expected"));
                }
                Err(e) => problems.push(Problem::new(&entry.key, setting.source.clone(), e.to_string())),
            }
        }
        ConfigError::unless_empty(problems).map(|()| typed)
    }
}

/// Where a value belongs. Dots separate sections; a name may contain dots.
struct Place {
    section: String,
    name: String,
}

impl Place {
    fn of(path: &str, name: &str) -> Self {
        let section = path.strip_suffix(name).unwrap_or_default().trim_end_matches('.').to_owned();
        Self { section, name: name.to_owned() }
    }

    fn put(&self, tree: &mut Json, value: Json) {
        let mut at = tree;
        for word in self.section.split('.').filter(|word| !word.is_empty()) {
            let Json::Object(map) = at else { return };
            at = map.entry(word).or_insert_with(|| Json::Object(Map::new()));
        }
        if let Json::Object(map) = at {
            map.insert(self.name.clone(), value);
        }
    }
}
