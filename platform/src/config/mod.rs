//! The configuration: defaults ← file ← environment ← `--set`, checked as a whole before anything starts.
//!
//! A commented TOML text (`uzon.default.toml`) declares the platform's settings, further ones those of the services,
//! which the platform does not know by name: [`Loader::defaults`] takes them in, [`Config::section`] hands them out.
//! The texts are default, documentation ([`reference`]) and rule at once: what they do not name is refused.

mod address;
mod checks;
mod kind;
mod loader;
mod mask;
mod print;
mod problem;
mod reference;
mod schema;
mod sections;
mod settings;
mod span;
mod toml;

use std::{collections::BTreeMap, fmt, path::Path};

use serde::de::DeserializeOwned;

pub use self::{
    address::{BusUrl, DatabaseUrl},
    loader::{Loader, environment},
    problem::{ConfigError, Problem, Source},
    reference::reference,
    sections::{
        Auth, AuthMode, Bus, DatabaseSettings, Delivery, Effects, Http, Inbox, LogFormat, Outbox, Telemetry, Topics,
    },
    span::{DurationRange, NotARange, NotASpan, Span},
};
use self::{sections::Sections, settings::Settings};

/// The platform's own settings, commented.
pub const DEFAULTS: &str = include_str!("../../uzon.default.toml");

/// The folder that the defaults put their files into.
pub const DATA_DIR: &str = ".uzon";

/// A configuration that has passed every check.
#[derive(Clone)]
pub struct Config {
    pub http: Http,
    pub bus: Bus,
    pub topics: Topics,
    pub inbox: Inbox,
    pub delivery: Delivery,
    pub outbox: Outbox,
    pub effects: Effects,
    pub auth: Auth,
    pub telemetry: Telemetry,
    /// For services that nobody announced.
    database: DatabaseSettings,
    databases: BTreeMap<String, DatabaseSettings>,
    settings: Settings,
}

impl Config {
    /// Checks values one by one.
    fn typed(settings: Settings, services: Vec<String>) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let mut databases = BTreeMap::new();
        let sections = settings.typed::<Sections>(|key| Some(key.to_owned()));
        for service in services {
            let own = format!("service.{service}.database.");
            let place = |key: &str| key.strip_prefix("database.").or_else(|| key.strip_prefix(&own)).map(str::to_owned);
            match settings.typed::<DatabaseSettings>(place) {
                Ok(database) => drop(databases.insert(service.clone(), of_service(&database, &service))),
                // What is wrong with `[database]` is said once, below.
                Err(error) => problems.extend(error.problems.into_iter().filter(|p| p.key.starts_with("service."))),
            }
        }
        let Sections { http, bus, database, topics, inbox, delivery, outbox, effects, auth, telemetry } = match sections
        {
            Ok(sections) => sections,
            Err(error) => return Err(ConfigError { problems: error.problems.into_iter().chain(problems).collect() }),
        };
        ConfigError::unless_empty(problems)?;
        Ok(Self { http, bus, topics, inbox, delivery, outbox, effects, auth, telemetry, database, databases, settings })
    }

    /// Checks values against each other.
    fn checked(self) -> Result<Self, ConfigError> {
        ConfigError::unless_empty(checks::combinations(&self)).map(|()| self)
    }

    /// The section of this name as a type, which should `deny_unknown_fields`: what it lacks is then noticed.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        let inside = format!("{name}.");
        let typed = self.settings.typed(|key| key.strip_prefix(&inside).map(str::to_owned));
        typed.map_err(|mut error| {
            let whole = error.problems.iter_mut().filter(|problem| problem.key.is_empty());
            whole.for_each(|problem| name.clone_into(&mut problem.key));
            error
        })
    }

    /// The database of a service, by its short name.
    pub fn database_for(&self, service: &str) -> DatabaseSettings {
        self.databases.get(service).cloned().unwrap_or_else(|| of_service(&self.database, service))
    }

    /// With another folder for everything that the defaults put into `.uzon`. What was named explicitly stays where it is.
    pub fn with_data_dir(mut self, dir: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let refused = |message: &str| ConfigError::from(Problem::new("", Source::Data, message));
        let dir = dir.as_ref().to_str().filter(|dir| !dir.contains("{service}"));
        let dir = dir.ok_or_else(|| refused("expected a folder whose name is Unicode, without {service}"))?;
        self.settings.put_folder(DATA_DIR, if dir.is_empty() { "." } else { dir });
        Self::typed(self.settings, self.databases.into_keys().collect())?.checked()
    }

    /// Where the value of a key comes from.
    pub fn source(&self, key: &str) -> Source {
        self.settings.source(key)
    }

    /// For a service that finds a value impossible: an error that names key and source.
    pub fn refuse(&self, key: &str, message: impl Into<String>) -> ConfigError {
        Problem::new(key, self.source(key), message).into()
    }

    /// What is in force as TOML, the source of each value as a comment, secrets hidden.
    pub fn print(&self) -> String {
        print::print(&self.settings)
    }

    fn is_set(&self, key: &str) -> bool {
        self.source(key) != Source::Default
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.print())
    }
}

fn of_service(database: &DatabaseSettings, service: &str) -> DatabaseSettings {
    DatabaseSettings { url: database.url.of_service(service), ..database.clone() }
}
