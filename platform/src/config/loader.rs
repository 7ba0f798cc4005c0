//! Lays the sources over each other: defaults ← file ← environment ← `--set`.

use std::{collections::BTreeMap, path::PathBuf};

use super::{Config, problem::ConfigError, schema::Schema, settings::Settings};

/// Variables that begin like settings and are none.
const NO_SETTINGS: [&str; 1] = ["UZON_BLESS"];

/// Where the configuration comes from. Begins with the platform's own defaults.
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

    /// Further sections: a commented TOML text in the manner of `uzon.default.toml`, usually a service's `settings.toml`.
    pub fn defaults(mut self, text: &str) -> Self {
        self.texts.push(text.to_owned());
        self
    }

    /// The services there are, by their short names: each may have a `[service.<name>]`.
    pub fn services<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.services.extend(names.into_iter().map(Into::into));
        self
    }

    /// First words of keys that are for other processes, which may read the same file: `payment`, `service`. Whatever
    /// they say is passed over, unless it is declared here.
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

    /// Variables that begin with `UZON_` and are no settings, such as the command line's own: not refused.
    pub fn other_variables<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.other_variables.extend(names.into_iter().map(Into::into));
        self
    }

    /// `key=value`, with dotted keys. The last word on a key counts.
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
        // Nothing can be judged by wrong rules.
        ConfigError::unless_empty(std::mem::take(&mut problems))?;

        let mut settings = Settings::new(schema);
        for path in &self.files {
            settings.put_file(path, &mut problems);
        }
        self.variables.retain(|name, _| {
            !NO_SETTINGS.contains(&name.as_str()) && !self.other_variables.iter().any(|other| other == name)
        });
        settings.put_env(&self.variables, &mut problems);
        for assignment in &self.assignments {
            settings.put_set(assignment, &mut problems);
        }
        match Config::typed(settings, self.services) {
            // Combinations only of what was meant: a refused value has left its default in place.
            Ok(config) => ConfigError::unless_empty(problems).and_then(|()| config.checked()),
            Err(error) => Err(ConfigError { problems: problems.into_iter().chain(error.problems).collect() }),
        }
    }
}

/// The environment of this process: the one place that looks at it.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    // Lossy: a value that is no Unicode is refused by what it is for, or was never meant for us.
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}
