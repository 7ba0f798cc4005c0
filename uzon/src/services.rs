//! The services there are, their settings, and which of them a process runs.

use ::sandbox::{carrier, payment_provider};
use clap::{ValueEnum, builder::PossibleValue};
use events::service::{ANALYTICS, FULFILLMENT, INVENTORY, NOTIFICATION, ORDER, PAYMENT};
use host::{Service, ServiceSpec, topic_settings};
use settings::{Config, ConfigError};

use crate::sandbox;

/// What a process can serve, by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part(&'static str);

/// The pretended outside world: payment provider and carrier.
pub const SANDBOX: Part = Part("sandbox");

/// Each after what it calls.
pub const PARTS: [Part; 7] =
    [Part(INVENTORY), Part(ORDER), SANDBOX, Part(PAYMENT), Part(FULFILLMENT), Part(NOTIFICATION), Part(ANALYTICS)];

/// Every part.
pub const ALL: Part = Part("all");

/// Where the sandbox listens when it is served alone and nobody says otherwise.
const SANDBOX_PORT: u16 = 8087;

/// Short names of all that have a database.
pub const NAMES: [&str; 8] =
    [INVENTORY, ORDER, payment_provider::NAME, PAYMENT, carrier::NAME, FULFILLMENT, NOTIFICATION, ANALYTICS];

const UNITS: [ServiceSpec; 6] = [
    inventory_service::SPEC,
    order_service::SPEC,
    payment_service::SPEC,
    fulfillment_service::SPEC,
    notification_service::SPEC,
    analytics_service::SPEC,
];

/// The commented defaults of all services and of the sandbox.
pub fn defaults() -> String {
    let own = UNITS.map(|unit| unit.settings).into_iter().chain([::sandbox::SETTINGS]);
    std::iter::once(topic_settings()).chain(own.map(str::to_owned)).collect::<Vec<_>>().join("\n")
}

impl Part {
    pub fn name(self) -> &'static str {
        self.0
    }

    fn unit(self) -> Option<&'static ServiceSpec> {
        UNITS.iter().find(|unit| unit.name == self.0)
    }

    /// Where it listens when it is served alone and nobody says otherwise.
    pub fn port(self) -> u16 {
        self.unit().map_or(SANDBOX_PORT, |unit| unit.port)
    }

    /// Those that were named, each once and in the order in which they start.
    pub fn chosen(named: &[Self]) -> Vec<Self> {
        PARTS.into_iter().filter(|part| named.contains(part) || named.contains(&ALL)).collect()
    }
}

impl ValueEnum for Part {
    fn value_variants<'a>() -> &'a [Self] {
        const VARIANTS: [Part; 8] = [
            Part(ORDER),
            Part(INVENTORY),
            Part(PAYMENT),
            Part(FULFILLMENT),
            Part(NOTIFICATION),
            Part(ANALYTICS),
            SANDBOX,
            ALL,
        ];
        &VARIANTS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match *self {
            SANDBOX => "the pretended payment provider and carrier",
            ALL => "all of them",
            _ => return Some(PossibleValue::new(self.0)),
        };
        Some(PossibleValue::new(self.0).help(help))
    }
}

/// The services of a process. Who calls the sandbox does so within the process if it is there, and over HTTP if another one
/// is named. Names all problems at once.
pub fn of(parts: &[Part], config: &Config) -> Result<Vec<Service>, ConfigError> {
    let (mut services, mut problems) = (Vec::new(), Vec::new());
    let has = |name| parts.iter().any(|part| part.0 == name);
    let within = has(SANDBOX.0) && config.sandbox.url.get().is_none();
    for part in parts {
        let built = match part.0 {
            PAYMENT if within => sandbox::with_payment(config).map(Vec::from),
            FULFILLMENT if within => sandbox::with_fulfillment(config).map(Vec::from),
            _ if *part == SANDBOX => sandbox::for_others(config, within && has(PAYMENT), within && has(FULFILLMENT)),
            _ => part.unit().map_or(Ok(vec![]), |unit| (unit.build)(config).map(|service| vec![service])),
        };
        match built {
            Ok(built) => services.extend(built),
            Err(error) => problems.extend(error.problems),
        }
    }
    if problems.is_empty() { Ok(services) } else { Err(ConfigError { problems }) }
}

/// The same for their schemas: never to be started, so nobody need know where the others are.
pub fn schemas(parts: &[Part], config: &Config) -> Result<Vec<Service>, ConfigError> {
    let mut services = Vec::new();
    for part in parts {
        match part.0 {
            PAYMENT => services.extend(sandbox::with_payment(config)?.into_iter().last()),
            FULFILLMENT => services.extend(sandbox::with_fulfillment(config)?.into_iter().last()),
            _ if *part == SANDBOX => services.extend(sandbox::services(config)?),
            _ => services.extend(part.unit().map(|unit| (unit.build)(config)).transpose()?),
        }
    }
    Ok(services)
}
