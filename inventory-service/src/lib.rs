#![doc = include_str!("../README.md")]

pub mod domain;
pub mod http;
pub mod inputs;
pub mod migrations;
pub mod saga;
pub mod store;

use ::saga::ParticipantBuilder;
use events::service::INVENTORY;
use host::{Service, ServiceSpec};
use serde::Deserialize;
use settings::Span;

/// The commented defaults of this service's settings.
pub const SETTINGS: &str = include_str!("../settings.toml");

/// Section `[inventory]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub reservation_ttl: Span,
    pub low_stock: i64,
}

impl Settings {
    fn rules(&self) -> domain::StockRules {
        domain::StockRules { hold_for: self.reservation_ttl.delta(), low_stock: self.low_stock }
    }
}

/// The parts of this service.
pub fn service(settings: &Settings) -> Service {
    Service::named(INVENTORY, "inventory-service")
        .migrations::<migrations::Migrator>()
        .participant(ParticipantBuilder::new(saga::InventorySaga { rules: settings.rules() }))
        .routes(http::routes, http::PROBLEMS)
}

/// The service as a process serves it.
pub const SPEC: ServiceSpec = ServiceSpec {
    name: INVENTORY,
    settings: SETTINGS,
    port: 8082,
    build: |config| Ok(service(&config.section(INVENTORY)?)),
};
