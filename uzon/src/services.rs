//! The list of services, their settings, and the selection for a process.

use ::sandbox::{carrier, payment_provider};
use clap::{ValueEnum, builder::PossibleValue};
use events::service::{ANALYTICS, FULFILLMENT, INVENTORY, NOTIFICATION, ORDER, PAYMENT};
use host::{Service, ServiceSpec, topic_settings};
use settings::{Config, ConfigError};

use crate::sandbox;

/// A component that a process can serve: a service or the sandbox, by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Component(&'static str);

/// The sandbox's payment provider and carrier.
pub const SANDBOX: Component = Component("sandbox");

/// All components. Each follows those that it calls.
pub const COMPONENTS: [Component; 7] = [
    Component(INVENTORY),
    Component(ORDER),
    SANDBOX,
    Component(PAYMENT),
    Component(FULFILLMENT),
    Component(NOTIFICATION),
    Component(ANALYTICS),
];

/// Stands for all components.
pub const ALL: Component = Component("all");

/// Default port of the sandbox in a process of its own.
const SANDBOX_PORT: u16 = 8087;

/// Short names of all services that have a database.
pub const NAMES: [&str; 8] =
    [INVENTORY, ORDER, payment_provider::NAME, PAYMENT, carrier::NAME, FULFILLMENT, NOTIFICATION, ANALYTICS];

const SPECS: [ServiceSpec; 6] = [
    inventory_service::SPEC,
    order_service::SPEC,
    payment_service::SPEC,
    fulfillment_service::SPEC,
    notification_service::SPEC,
    analytics_service::SPEC,
];

/// The commented defaults of all services and of the sandbox.
pub fn defaults() -> String {
    let own = SPECS.map(|spec| spec.settings).into_iter().chain([::sandbox::SETTINGS]);
    std::iter::once(topic_settings()).chain(own.map(str::to_owned)).collect::<Vec<_>>().join("\n")
}

impl Component {
    pub fn name(self) -> &'static str {
        self.0
    }

    fn spec(self) -> Option<&'static ServiceSpec> {
        SPECS.iter().find(|spec| spec.name == self.0)
    }

    /// Default port of the component in a process of its own.
    pub fn port(self) -> u16 {
        self.spec().map_or(SANDBOX_PORT, |spec| spec.port)
    }

    /// The named components, each once, in the sequence in which they start.
    pub fn chosen(named: &[Self]) -> Vec<Self> {
        COMPONENTS.into_iter().filter(|component| named.contains(component) || named.contains(&ALL)).collect()
    }
}

impl ValueEnum for Component {
    fn value_variants<'a>() -> &'a [Self] {
        const VARIANTS: [Component; 8] = [
            Component(ORDER),
            Component(INVENTORY),
            Component(PAYMENT),
            Component(FULFILLMENT),
            Component(NOTIFICATION),
            Component(ANALYTICS),
            SANDBOX,
            ALL,
        ];
        &VARIANTS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match *self {
            SANDBOX => "the payment provider and the carrier for tests",
            ALL => "all of them",
            _ => return Some(PossibleValue::new(self.0)),
        };
        Some(PossibleValue::new(self.0).help(help))
    }
}

/// The services of a process. Payment and fulfillment call the sandbox within the process if it is
/// one of the components and `sandbox.url` is not set, otherwise over HTTP. Reports all problems at
/// once.
pub fn of(components: &[Component], config: &Config) -> Result<Vec<Service>, ConfigError> {
    let (mut services, mut problems) = (Vec::new(), Vec::new());
    let has = |name| components.iter().any(|component| component.0 == name);
    let within = has(SANDBOX.0) && config.sandbox.url.get().is_none();
    for component in components {
        let built = match component.0 {
            PAYMENT if within => sandbox::with_payment(config).map(Vec::from),
            FULFILLMENT if within => sandbox::with_fulfillment(config).map(Vec::from),
            _ if *component == SANDBOX => {
                sandbox::for_others(config, within && has(PAYMENT), within && has(FULFILLMENT))
            }
            _ => component.spec().map_or(Ok(vec![]), |spec| (spec.build)(config).map(|service| vec![service])),
        };
        match built {
            Ok(built) => services.extend(built),
            Err(error) => problems.extend(error.problems),
        }
    }
    if problems.is_empty() { Ok(services) } else { Err(ConfigError { problems }) }
}

/// The services of a process for migrating their schemas. They are never started, so addresses of
/// other services are not needed.
pub fn schemas(components: &[Component], config: &Config) -> Result<Vec<Service>, ConfigError> {
    let mut services = Vec::new();
    for component in components {
        match component.0 {
            PAYMENT => services.extend(sandbox::with_payment(config)?.into_iter().last()),
            FULFILLMENT => services.extend(sandbox::with_fulfillment(config)?.into_iter().last()),
            _ if *component == SANDBOX => services.extend(sandbox::services(config)?),
            _ => services.extend(component.spec().map(|spec| (spec.build)(config)).transpose()?),
        }
    }
    Ok(services)
}
