#![doc = include_str!("../README.md")]

pub mod domain;
pub mod http;
pub mod inputs;
pub mod migrations;
pub mod saga;
pub mod store;

use std::time::Duration;

use ::saga::ParticipantBuilder;
use events::service::ANALYTICS;
use host::{Service, ServiceSpec};

/// Nobody waits for a figure: a little patience folds many events into one write of each row.
const LINGER: Duration = Duration::from_millis(200);

/// Everything this service consists of.
pub fn service() -> Service {
    let live = http::Live::default();
    let watched = live.clone();
    Service::named(ANALYTICS, "analytics-service")
        .migrations::<migrations::Migrator>()
        .participant(ParticipantBuilder::new(saga::Analytics).lingers(LINGER))
        .routes(move |app| http::routes(app, live), http::PROBLEMS)
        .task(move |app, stopping| watched.refresh(app, stopping))
}

/// The service as a process serves it.
pub const SPEC: ServiceSpec = ServiceSpec { name: ANALYTICS, settings: "", port: 8086, build: |_| Ok(service()) };
