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

/// Minimum interval between the starts of small batches: folds many events into one write of each row. Figures are not
/// urgent.
const LINGER: Duration = Duration::from_millis(200);

/// The parts of this service.
pub fn service() -> Service {
    let live = http::Live::default();
    let refreshed = live.clone();
    Service::named(ANALYTICS, "analytics-service")
        .migrations::<migrations::Migrator>()
        .participant(ParticipantBuilder::new(saga::Analytics).lingers(LINGER))
        .routes(move |app| http::routes(app, live), http::PROBLEMS)
        .task(move |app, stopping| refreshed.refresh(app, stopping))
}

/// The service as a process serves it.
pub const SPEC: ServiceSpec = ServiceSpec { name: ANALYTICS, settings: "", port: 8086, build: |_| Ok(service()) };
