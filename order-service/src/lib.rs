#![doc = include_str!("../README.md")]

pub mod domain;
pub mod http;
pub mod inputs;
pub mod migrations;
pub mod saga;
pub mod store;

use ::saga::ParticipantBuilder;
use events::service;
use host::{Service, ServiceSpec};
use serde::Deserialize;
use settings::Span;

/// The commented defaults of this service's settings.
pub const SETTINGS: &str = include_str!("../settings.toml");

/// Section `[order]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub deadline: Span,
}

/// Everything this service consists of.
pub fn service(settings: &Settings) -> Service {
    let statuses = store::Statuses::default();
    let saga = saga::OrderSaga { deadline: settings.deadline.delta(), statuses: statuses.clone() };
    let followed = statuses.clone();
    Service::named(service::ORDER, "order-service")
        .migrations::<migrations::Migrator>()
        .participant(ParticipantBuilder::new(saga))
        .routes(|app| http::routes(app, statuses), http::PROBLEMS)
        .task(|app, stopping| followed.follow(app, stopping))
}

/// The service as a process serves it.
pub const SPEC: ServiceSpec = ServiceSpec {
    name: service::ORDER,
    settings: SETTINGS,
    port: 8081,
    build: |config| Ok(service(&config.section(service::ORDER)?)),
};
