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

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::Path};

use serde::de::DeserializeOwned;

pub use self::{
    address::{BusUrl, DatabaseUrl, HttpUrl},
    loader::{Loader, environment},
    problem::{ConfigError, Problem, Source},
    reference::reference,
    sections::{
        Auth, AuthMode, Bus, DatabaseSettings, Delivery, Effects, Http, Inbox, LogFormat, Mechanism, Outbox, Protocol,
        Sandbox, Security, Telemetry, Topics,
    },
    span::{DurationRange, NotARange, NotASpan, Span},
};
use self::{
    sections::{Address, Sections},
    settings::Settings,
};

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
    pub sandbox: Sandbox,
    pub auth: Auth,
    pub telemetry: Telemetry,
    /// For services that nobody announced.
    database: DatabaseSettings,
    databases: BTreeMap<String, DatabaseSettings>,
    /// Of services that have an address of their own.
    addresses: BTreeMap<String, SocketAddr>,
    settings: Settings,
}

impl Config {
    /// Checks values one by one.
    fn typed(settings: Settings, services: Vec<String>) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let (mut databases, mut addresses) = (BTreeMap::new(), BTreeMap::new());
        let sections = settings.typed::<Sections>(|key| Some(key.to_owned()));
        for service in services {
            let own = format!("service.{service}.database.");
            let place = |key: &str| key.strip_prefix("database.").or_else(|| key.strip_prefix(&own)).map(str::to_owned);
            match settings.typed::<DatabaseSettings>(place) {
                Ok(database) => drop(databases.insert(service.clone(), of_service(&database, &service))),
                // What is wrong with `[database]` is said once, below.
                Err(error) => problems.extend(error.problems.into_iter().filter(|p| p.key.starts_with("service."))),
            }
            let own = format!("service.{service}.http.");
            match settings.typed::<Address>(|key| key.strip_prefix(&own).map(str::to_owned)) {
                Ok(Address { listen }) => addresses.extend(listen.map(|address| (service, address))),
                Err(error) => problems.extend(error.problems),
            }
        }
        let sections = match sections {
            Ok(sections) => sections,
            Err(error) => return Err(ConfigError { problems: error.problems.into_iter().chain(problems).collect() }),
        };
        ConfigError::unless_empty(problems)?;
        let Sections { http, bus, database, topics, inbox, delivery, outbox, effects, sandbox, auth, telemetry } =
            sections;
        Ok(Self {
            http,
            bus,
            topics,
            inbox,
            delivery,
            outbox,
            effects,
            sandbox,
            auth,
            telemetry,
            database,
            databases,
            addresses,
            settings,
        })
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

    /// Where a service listens that is served alone, if it has an address of its own.
    pub fn address_of(&self, service: &str) -> Option<SocketAddr> {
        self.addresses.get(service).copied()
    }

    /// Where the sandbox is, for a service that does not have it in its own process.
    pub fn sandbox_elsewhere(&self) -> Result<&str, ConfigError> {
        let missing =
            || self.refuse("sandbox.url", "is needed: the sandbox is not in this process (`uzon serve sandbox`)");
        self.sandbox.url.get().ok_or_else(missing)
    }

    /// With another address for this process.
    pub fn listening_on(mut self, address: SocketAddr) -> Result<Self, ConfigError> {
        self.http.listen = address;
        self.checked()
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

    /// Somebody has said it: it is not the default.
    pub fn is_set(&self, key: &str) -> bool {
        self.source(key) != Source::Default
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.print())
    }
}

fn of_service(database: &DatabaseSettings, service: &str) -> DatabaseSettings {
    let read_url = database.read_url.as_ref().map(|url| url.of_service(service));
    DatabaseSettings { url: database.url.of_service(service), read_url, ..database.clone() }
}
