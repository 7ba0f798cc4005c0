#![doc = include_str!("../README.md")]

pub mod domain;
pub mod http;
pub mod inputs;
pub mod migrations;
pub mod queries;
pub mod saga;
pub mod statuses;
pub mod store;

use ::saga::ParticipantBuilder;
use events::service::ORDER;
use host::{Service, ServiceSpec};
use serde::Deserialize;
use settings::Span;

use crate::statuses::Statuses;

/// The commented defaults of this service's settings.
pub const SETTINGS: &str = include_str!("../settings.toml");

/// Section `[order]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub deadline: Span,
}

impl Settings {
    fn rules(&self) -> domain::OrderRules {
        domain::OrderRules { deadline: self.deadline.delta() }
    }
}

/// The parts of this service.
pub fn service(settings: &Settings) -> Service {
    let statuses = Statuses::default();
    let saga = saga::OrderSaga { rules: settings.rules(), statuses: statuses.clone() };
    let cache = statuses.clone();
    Service::named(ORDER, "order-service")
        .migrations::<migrations::Migrator>()
        .participant(ParticipantBuilder::new(saga))
        .routes(|app| http::routes(app, statuses), http::PROBLEMS)
        .task(|app, stopping| cache.follow(app, stopping))
}

/// The service as a process serves it.
pub const SPEC: ServiceSpec =
    ServiceSpec { name: ORDER, settings: SETTINGS, port: 8081, build: |config| Ok(service(&config.section(ORDER)?)) };
