//! A configuration that has passed every check.

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::Path};

use serde::de::DeserializeOwned;

use super::{
    DATA_DIR, checks, print,
    problem::{ConfigError, Problem, Source},
    sections::{
        Address, Auth, Bus, DatabaseSettings, Delivery, Effects, Http, Inbox, Outbox, Sandbox, Sections, Telemetry,
        Topics,
    },
    values::Values,
};

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
    /// For services that the loader does not know.
    database: DatabaseSettings,
    /// By the services' short names.
    pub(super) databases: BTreeMap<String, DatabaseSettings>,
    /// Of services with an address of their own.
    addresses: BTreeMap<String, SocketAddr>,
    values: Values,
}

impl Config {
    /// Checks values one by one.
    pub(super) fn typed(values: Values, services: Vec<String>) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let (mut databases, mut addresses) = (BTreeMap::new(), BTreeMap::new());
        let sections = values.typed::<Sections>(|key| Some(key.to_owned()));
        for service in services {
            let own = format!("service.{service}.database.");
            let place = |key: &str| key.strip_prefix("database.").or_else(|| key.strip_prefix(&own)).map(str::to_owned);
            match values.typed::<DatabaseSettings>(place) {
                Ok(database) => drop(databases.insert(service.clone(), of_service(&database, &service))),
                // Violations of `[database]` itself are reported once, below.
                Err(error) => problems.extend(error.problems.into_iter().filter(|p| p.key.starts_with("service."))),
            }
            let own = format!("service.{service}.http.");
            match values.typed::<Address>(|key| key.strip_prefix(&own).map(str::to_owned)) {
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
            values,
        })
    }

    /// Checks values against each other.
    pub(super) fn checked(self) -> Result<Self, ConfigError> {
        ConfigError::unless_empty(checks::combinations(&self)).map(|()| self)
    }

    /// The section of this name as a type. With `deny_unknown_fields`, the type must name every declared key.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        let inside = format!("{name}.");
        let typed = self.values.typed(|key| key.strip_prefix(&inside).map(str::to_owned));
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

    /// Where a service listens that is served alone, if `service.<name>.http.listen` says so.
    pub fn address_of(&self, service: &str) -> Option<SocketAddr> {
        self.addresses.get(service).copied()
    }

    /// The address of the sandbox, for a service whose process does not contain it.
    pub fn sandbox_elsewhere(&self) -> Result<&str, ConfigError> {
        let missing =
            || self.refuse("sandbox.url", "is needed: the sandbox is not in this process (`uzon serve sandbox`)");
        self.sandbox.url.get().ok_or_else(missing)
    }

    /// Listens on another address.
    pub fn listening_on(mut self, address: SocketAddr) -> Result<Self, ConfigError> {
        self.http.listen = address;
        self.checked()
    }

    /// Replaces `.uzon`, the folder of the defaults. Explicitly set files stay where they are.
    pub fn with_data_dir(mut self, dir: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let refused = |message: &str| ConfigError::from(Problem::new("", Source::Data, message));
        let dir = dir.as_ref().to_str().filter(|dir| !dir.contains("{service}"));
        let dir = dir.ok_or_else(|| refused("expected a folder whose name is Unicode, without {service}"))?;
        self.values.put_folder(DATA_DIR, if dir.is_empty() { "." } else { dir });
        Self::typed(self.values, self.databases.into_keys().collect())?.checked()
    }

    /// For a service that is alone in its process. Listens where `--set http.listen` says, then
    /// `service.<name>.http.listen`, then `http.listen`, then on `port`.
    pub fn alone(self, service: &str, port: u16) -> Result<Self, ConfigError> {
        let own = self.address_of(service).filter(|_| self.source("http.listen") != Source::Set);
        match own {
            Some(address) => self.listening_on(address),
            None if self.is_set("http.listen") => Ok(self),
            None => {
                let ip = self.http.listen.ip();
                self.listening_on((ip, port).into())
            }
        }
    }

    /// The source of a key's value.
    pub fn source(&self, key: &str) -> Source {
        self.values.source(key)
    }

    /// The error of a service that cannot use a value; names key and source.
    pub fn refuse(&self, key: &str, message: impl Into<String>) -> ConfigError {
        Problem::new(key, self.source(key), message).into()
    }

    /// The values in force as TOML, with the source of each as a comment, and secrets hidden.
    pub fn print(&self) -> String {
        print::print(&self.values)
    }

    /// Whether the value does not come from the defaults.
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
