#![doc = include_str!("../README.md")]

pub mod domain;
pub mod effects;
pub mod http;
pub mod migrations;
pub mod saga;
pub mod sandbox;
pub mod store;

use std::{sync::Arc, time::Duration};

use events::{choreography, service::FULFILLMENT};
use platform::{Breaker, Policy, RoomPlan, Service, config::Span, process::Unit};
use serde::Deserialize;

use crate::{
    domain::{Book, CancelBooking, QueryBooking, TrackShipment},
    effects::{Carrier, Desk},
    sandbox::RemoteCarrier,
};

/// The commented defaults of the sections `[fulfillment]` and `[sandbox.carrier]`.
pub const SETTINGS: &str = include_str!("../settings.toml");

/// A parcel has time: what happens to several within so long shares transactions, here and in all who hear of it.
const LINGER: Duration = Duration::from_millis(25);

/// Section `[fulfillment]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub carrier: CarrierChoice,
    pub timeout: Span,
    pub ask_carrier_after: Span,
}

/// Which adapter of the carrier port is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CarrierChoice {
    Sandbox,
}

/// Everything this service consists of.
pub fn service<C: Carrier>(settings: &Settings, carrier: C) -> Service {
    let breaker = Breaker::new(C::NAME);
    let carrier = Arc::new(carrier);
    let desk = || Desk(carrier.clone());
    // No number of attempts: a carrier that is down is no reason to fail an order.
    let patient = Policy {
        timeout: settings.timeout.duration(),
        attempts: None,
        first_wait: Duration::from_millis(500),
        longest_wait: Duration::from_secs(30),
        unknown: false,
    };
    let saga = saga::FulfillmentSaga { ask_after: settings.ask_carrier_after.delta() };
    let room = RoomPlan::new(saga, choreography::heard_by(FULFILLMENT))
        .lingers(LINGER)
        .performs::<Book>(Policy { unknown: true, ..patient }, &breaker, desk())
        .performs::<QueryBooking>(patient, &breaker, desk())
        .performs::<CancelBooking>(patient, &breaker, desk())
        .performs::<TrackShipment>(patient, &breaker, desk());
    Service::named(FULFILLMENT, "fulfillment-service")
        .migrations::<migrations::Migrator>()
        .room(room)
        .routes(move |app| http::routes(app, C::NAME, breaker), http::PROBLEMS)
}

/// The service as a process serves it, with the sandbox in another one.
pub const UNIT: Unit = Unit {
    name: FULFILLMENT,
    settings: SETTINGS,
    port: 8084,
    build: |config| {
        let carrier = RemoteCarrier::new(config.sandbox_elsewhere()?);
        Ok(service(&config.section(FULFILLMENT)?, carrier))
    },
};
