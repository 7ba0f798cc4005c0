//! A service as a process serves it.

use std::{collections::BTreeSet, fmt::Write};

use events::{choreography, service};

use super::SettingsArgs;
use crate::{
    Service,
    config::{Config, ConfigError, Loader, Source, environment},
};

/// Everything a process needs to know of a service.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    /// Short name: on the command line, in the configuration.
    pub name: &'static str,
    /// The commented defaults of its settings.
    pub settings: &'static str,
    /// Where it listens on this machine when it is served alone and nobody says otherwise.
    pub port: u16,
    pub build: fn(&Config) -> Result<Service, ConfigError>,
}

impl Unit {
    /// The configuration of this service alone. What is for others in the same file or environment is passed over.
    pub fn config(&self, args: &SettingsArgs) -> Result<Config, ConfigError> {
        let others: BTreeSet<&str> = service::ALL.into_iter().chain(["service", "sandbox"]).collect();
        let loader = Loader::new().defaults(&topic_settings()).defaults(self.settings);
        let loader = loader.services(service::ALL).others(others.into_iter().filter(|name| *name != self.name));
        args.add_to(loader.env(environment())).load()?.alone(self.name, self.port)
    }
}

impl Config {
    /// For one service that has the process for itself: it listens where its own settings say, then where the common ones
    /// say, then on a port of its own. What the command line says is for this process, and wins.
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
}

/// The commented defaults of `[bus.topics]`: every topic is called by its name.
pub fn topic_settings() -> String {
    let mut text = "# What topics are called in Kafka, where others have named them.\n[bus.topics]\n".to_owned();
    for topic in choreography::topics() {
        writeln!(
            text,
            "# The topic that {} publishes as `{name}`.\n{name} = \"{name}\"",
            topic.owner,
            name = topic.name
        )
        .expect("writing to a string");
    }
    text
}
