#![doc = include_str!("../README.md")]

pub mod domain;
pub mod http;
pub mod migrations;
pub mod saga;
pub mod store;

use events::{choreography, service::INVENTORY};
use platform::{RoomPlan, Service, config::Span, process::Unit};
use serde::Deserialize;

/// The commented defaults of this service's settings.
pub const SETTINGS: &str = include_str!("../settings.toml");

/// Section `[inventory]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub reservation_ttl: Span,
    pub low_stock: i64,
}

/// Everything this service consists of.
pub fn service(settings: &Settings) -> Service {
    let saga = saga::InventorySaga { hold_for: settings.reservation_ttl.delta(), low_stock: settings.low_stock };
    Service::named(INVENTORY, "inventory-service")
        .migrations::<migrations::Migrator>()
        .room(RoomPlan::new(saga, choreography::heard_by(INVENTORY)))
        .routes(http::routes, http::PROBLEMS)
}

/// The service as a process serves it.
pub const UNIT: Unit =
    Unit { name: INVENTORY, settings: SETTINGS, port: 8082, build: |config| Ok(service(&config.section(INVENTORY)?)) };
