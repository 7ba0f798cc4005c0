//! The services there are, their settings, and how those of one process are wired together.

use std::{future::ready, sync::Arc};

use clap::{ValueEnum, builder::PossibleValue};
use events::service::{ANALYTICS, FULFILLMENT, INVENTORY, NOTIFICATION, ORDER, PAYMENT};
use fulfillment_service::sandbox as carrier;
use payment_service::sandbox as bank;
use platform::{
    Service,
    config::{Config, ConfigError},
    process::{Unit, topic_settings},
};

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
    [INVENTORY, ORDER, bank::NAME, PAYMENT, carrier::NAME, FULFILLMENT, NOTIFICATION, ANALYTICS];

const UNITS: [Unit; 6] = [
    inventory_service::UNIT,
    order_service::UNIT,
    payment_service::UNIT,
    fulfillment_service::UNIT,
    notification_service::UNIT,
    analytics_service::UNIT,
];

/// The commented defaults of all services.
pub fn defaults() -> String {
    let own = UNITS.map(|unit| unit.settings.to_owned());
    std::iter::once(topic_settings()).chain(own).collect::<Vec<_>>().join("\n")
}

impl Part {
    pub fn name(self) -> &'static str {
        self.0
    }

    fn unit(self) -> Option<&'static Unit> {
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
            PAYMENT if within => with_bank(config),
            FULFILLMENT if within => with_carrier(config),
            _ if *part == SANDBOX => alone(config, within && has(PAYMENT), within && has(FULFILLMENT)),
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
            PAYMENT => services.extend(with_bank(config)?.pop()),
            FULFILLMENT => services.extend(with_carrier(config)?.pop()),
            _ if *part == SANDBOX => {
                services.push(bank::Sandbox::new(&config.section("sandbox.payment")?).service());
                services.push(carrier::service(&config.section("sandbox.carrier")?).0);
            }
            _ => services.extend(part.unit().map(|unit| (unit.build)(config)).transpose()?),
        }
    }
    Ok(services)
}

/// Payment and a provider in the same process.
fn with_bank(config: &Config) -> Result<Vec<Service>, ConfigError> {
    let bank = bank::Sandbox::new(&config.section("sandbox.payment")?);
    let payment = payment_service::service(&config.section(PAYMENT)?, Arc::new(bank.provider()));
    Ok(vec![bank.service(), payment])
}

/// Fulfillment and a carrier in the same process.
fn with_carrier(config: &Config) -> Result<Vec<Service>, ConfigError> {
    let settings: carrier::Settings = config.section("sandbox.carrier")?;
    let (service, carrier) = carrier::service(&settings);
    let shop = fulfillment_service::service(&config.section(FULFILLMENT)?, carrier.adapter());
    let shop = match settings.webhook.get() {
        Some(webhook) => {
            carrier::connect_to(&carrier, webhook);
            shop
        }
        None => shop.task(move |app, _| {
            carrier::connect(&carrier, app);
            ready(())
        }),
    };
    Ok(vec![service, shop])
}

/// What of the sandbox nobody in this process has taken: for others, over HTTP.
fn alone(config: &Config, bank_taken: bool, carrier_taken: bool) -> Result<Vec<Service>, ConfigError> {
    let mut services = Vec::new();
    if !bank_taken {
        services.push(bank::Sandbox::new(&config.section("sandbox.payment")?).service());
    }
    if !carrier_taken {
        let settings: carrier::Settings = config.section("sandbox.carrier")?;
        let (service, carrier) = carrier::service(&settings);
        let needed = "is needed: the carrier's news go to the fulfillment service, which is not in this process";
        let webhook = settings.webhook.get().ok_or_else(|| config.refuse("sandbox.carrier.webhook", needed))?;
        carrier::connect_to(&carrier, webhook);
        services.push(service);
    }
    Ok(services)
}
