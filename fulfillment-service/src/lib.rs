#![doc = include_str!("../README.md")]

pub mod domain;
pub mod effects;
pub mod http;
pub mod inputs;
pub mod migrations;
pub mod saga;
pub mod store;

use std::{sync::Arc, time::Duration};

use ::saga::{Breaker, ParticipantBuilder, Policy};
use events::service::FULFILLMENT;
use host::{Service, ServiceSpec};
use serde::Deserialize;
use settings::Span;

use crate::{
    domain::{Book, CancelBooking, QueryBooking, TrackShipment},
    effects::{Calls, Carrier, HttpCarrier},
};

/// The commented defaults of this service's settings.
pub const SETTINGS: &str = include_str!("../settings.toml");

/// Minimum interval between the starts of small batches: shipments are not urgent and share transactions.
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

impl Settings {
    fn rules(&self) -> domain::ShipmentRules {
        domain::ShipmentRules { track_after: self.ask_carrier_after.delta() }
    }

    /// Unlimited attempts: an unavailable carrier is no reason to fail an order.
    fn policy(&self) -> Policy {
        Policy {
            timeout: self.timeout.duration(),
            attempts: None,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            ..Policy::default()
        }
    }
}

/// The parts of this service.
pub fn service<C: Carrier>(settings: &Settings, carrier: C) -> Service {
    let breaker = Breaker::new(C::NAME);
    let carrier = Arc::new(carrier);
    let calls = || Calls(carrier.clone());
    let policy = settings.policy();
    Service::named(FULFILLMENT, "fulfillment-service")
        .migrations::<migrations::Migrator>()
        .participant(
            ParticipantBuilder::new(saga::FulfillmentSaga { rules: settings.rules() })
                .lingers(LINGER)
                .performs::<Book>(Policy { unknown: true, ..policy }, &breaker, calls())
                .performs::<QueryBooking>(Policy { is_query: true, ..policy }, &breaker, calls())
                .performs::<CancelBooking>(policy, &breaker, calls())
                .performs::<TrackShipment>(policy, &breaker, calls()),
        )
        .routes(move |app| http::routes(app, C::NAME, breaker), http::PROBLEMS)
}

/// The service as a process serves it, with the carrier over HTTP.
pub const SPEC: ServiceSpec = ServiceSpec {
    name: FULFILLMENT,
    settings: SETTINGS,
    port: 8084,
    build: |config| {
        let carrier = HttpCarrier::new(config.sandbox_elsewhere()?);
        Ok(service(&config.section(FULFILLMENT)?, carrier))
    },
};
