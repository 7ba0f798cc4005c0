//! Merges the sources: defaults ← file ← environment ← `--set`.

use std::{collections::BTreeMap, path::PathBuf};

use super::{Config, problem::ConfigError, schema::Schema, values::Values};

/// Variables that begin with `UZON_` and are not settings.
const NO_SETTINGS: [&str; 1] = ["UZON_BLESS"];

/// The sources of a configuration, beginning with the platform's defaults.
#[derive(Default)]
#[must_use]
pub struct Loader {
    texts: Vec<String>,
    services: Vec<String>,
    others: Vec<String>,
    files: Vec<PathBuf>,
    variables: BTreeMap<String, String>,
    other_variables: Vec<String>,
    assignments: Vec<String>,
}

impl Loader {
    pub fn new() -> Self {
        Self::default().defaults(super::DEFAULTS)
    }

    /// Declares further sections: a commented TOML text like `uzon.default.toml`, usually a service's `settings.toml`.
    pub fn defaults(mut self, text: &str) -> Self {
        self.texts.push(text.to_owned());
        self
    }

    /// The short names of all services: each may have a `[service.<name>]` and a key in `[bus.groups]`.
    pub fn services<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.services.extend(names.into_iter().map(Into::into));
        self
    }

    /// First words of keys that other processes read from the same file: `payment`, `service`. Such keys are ignored
    /// unless they are declared.
    pub fn others<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.others.extend(words.into_iter().map(Into::into));
        self
    }

    /// A TOML file, which must exist.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(path.into());
        self
    }

    /// Environment variables, usually [`environment`]. Those that do not begin with `UZON_` are ignored.
    pub fn env(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.variables.extend(variables.into_iter().filter(|(name, _)| name.starts_with("UZON_")));
        self
    }

    /// Variables that begin with `UZON_` and are not settings, such as those of the command line: ignored.
    pub fn other_variables<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.other_variables.extend(names.into_iter().map(Into::into));
        self
    }

    /// `key=value`, with dotted keys. The last value of a key wins.
    pub fn set<S: Into<String>>(mut self, assignments: impl IntoIterator<Item = S>) -> Self {
        self.assignments.extend(assignments.into_iter().map(Into::into));
        self
    }

    /// Reads and checks everything; the error names every problem found.
    pub fn load(mut self) -> Result<Config, ConfigError> {
        let mut problems = Vec::new();
        let mut schema = Schema::read(self.texts.iter().map(String::as_str), &mut problems);
        for service in &self.services {
            schema.add_service(service, &mut problems);
        }
        self.others.drain(..).for_each(|word| schema.add_other(word));
        // Values cannot be checked against wrong declarations.
        ConfigError::unless_empty(std::mem::take(&mut problems))?;

        let mut values = Values::new(schema);
        for path in &self.files {
            values.put_file(path, &mut problems);
        }
        self.variables.retain(|name, _| {
            !NO_SETTINGS.contains(&name.as_str()) && !self.other_variables.iter().any(|other| other == name)
        });
        values.put_env(&self.variables, &mut problems);
        for assignment in &self.assignments {
            values.put_set(assignment, &mut problems);
        }
        match Config::typed(values, self.services) {
            // A refused value has left its default in place: combinations are checked only if no value was refused.
            Ok(config) => ConfigError::unless_empty(problems).and_then(|()| config.checked()),
            Err(error) => Err(ConfigError { problems: problems.into_iter().chain(error.problems).collect() }),
        }
    }
}

/// The environment of this process. Nothing else reads it.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    // Lossy: a setting refuses a value that is not Unicode, and other variables are ignored.
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}
