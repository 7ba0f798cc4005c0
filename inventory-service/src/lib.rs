#![doc = include_str!("../README.md")]

pub mod domain;
pub mod http;
pub mod migrations;
pub mod saga;
pub mod store;

use events::choreography;
use platform::{RoomPlan, Service, config::Span};
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
    Service::named("inventory", "inventory-service")
        .migrations::<migrations::Migrator>()
        .room(RoomPlan::new(saga, choreography::heard_by("inventory")))
        .routes(http::routes, http::PROBLEMS)
}
