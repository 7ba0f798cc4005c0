//! The description of a service that runs as its own process.

use std::{collections::BTreeSet, fmt::Write};

use events::{choreography, service};
use settings::{Config, ConfigError, Loader, environment};

use crate::{Service, SettingsArgs};

/// The static description of a service.
#[derive(Debug, Clone, Copy)]
pub struct ServiceSpec {
    /// Short name: on the command line, in the configuration.
    pub name: &'static str,
    /// The commented defaults of its settings.
    pub settings: &'static str,
    /// The default port when it is served alone.
    pub port: u16,
    pub build: fn(&Config) -> Result<Service, ConfigError>,
}

impl ServiceSpec {
    /// The configuration of this service alone. Ignores settings of other services in the same file or environment.
    pub fn config(&self, args: &SettingsArgs) -> Result<Config, ConfigError> {
        let others: BTreeSet<&str> = service::ALL.into_iter().chain(["service", "sandbox"]).collect();
        let loader = Loader::new().defaults(&topic_settings()).defaults(self.settings);
        let loader = loader.services(service::ALL).others(others.into_iter().filter(|name| *name != self.name));
        args.add_to(loader.env(environment())).load()?.alone(self.name, self.port)
    }
}

/// The commented defaults of `[bus.topics]`: every topic has its own name.
pub fn topic_settings() -> String {
    let mut text = "# Names of topics in Kafka, where they differ.\n[bus.topics]\n".to_owned();
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
