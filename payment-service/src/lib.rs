#![doc = include_str!("../README.md")]

pub mod domain;
pub mod effects;
pub mod http;
pub mod inputs;
pub mod migrations;
pub mod saga;
pub mod store;

use std::sync::Arc;

use ::saga::{Breaker, ParticipantBuilder, Policy};
use events::service::PAYMENT;
use host::{Service, ServiceSpec};
use serde::Deserialize;
use settings::Span;

use domain::{Charge, CloseCharge, QueryCharge, Refund};
use effects::{Calls, HttpProvider, Provider};

/// The commented defaults of this service's settings.
pub const SETTINGS: &str = include_str!("../settings.toml");

/// Section `[payment]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub provider: ProviderKind,
    pub timeout: Span,
    pub query_for: Span,
}

/// Which adapter of the provider port is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    Sandbox,
}

/// Everything this service consists of.
pub fn service(settings: &Settings, provider: Arc<dyn Provider>) -> Service {
    let saga = saga::PaymentSaga { query_for: settings.query_for.delta() };
    let breaker = Breaker::new("payment-provider");
    let calls = Calls(provider);
    let timeout = settings.timeout.duration();
    // Tried for ever: keys make repeats harmless, and a compensation is never given up.
    let for_ever = Policy { timeout, ..Policy::default() };
    let charge = Policy { unknown: true, ..for_ever };
    // The domain asks again by itself.
    let query = Policy { attempts: Some(1), is_query: true, ..for_ever };
    let refund = Policy { key_valid_for: Some(settings.query_for.duration()), ..for_ever };
    let participant = ParticipantBuilder::new(saga)
        .performs::<Charge>(charge, &breaker, calls.clone())
        .performs::<QueryCharge>(query, &breaker, calls.clone())
        .performs::<CloseCharge>(for_ever, &breaker, calls.clone())
        .performs::<Refund>(refund, &breaker, calls);
    Service::named(PAYMENT, "payment-service")
        .migrations::<migrations::Migrator>()
        .participant(participant)
        .routes(http::routes, http::PROBLEMS)
}

/// The service in a process of its own. It calls the provider over HTTP.
pub const SPEC: ServiceSpec = ServiceSpec {
    name: PAYMENT,
    settings: SETTINGS,
    port: 8083,
    build: |config| {
        let provider = HttpProvider::new(config.sandbox_elsewhere()?);
        Ok(service(&config.section(PAYMENT)?, Arc::new(provider)))
    },
};
