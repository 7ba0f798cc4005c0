#![doc = include_str!("../README.md")]

pub mod domain;
pub mod effects;
pub mod http;
pub mod migrations;
pub mod saga;
pub mod sandbox;
pub mod store;

use std::sync::Arc;

use events::{choreography, service::PAYMENT};
use platform::{Breaker, Policy, RoomPlan, Service, config::Span, process::Unit};
use serde::Deserialize;

use domain::{Charge, CloseCharge, QueryCharge, Refund};
use effects::{Calls, Provider};
use sandbox::RemoteProvider;

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
    let once = Policy { attempts: Some(1), ..for_ever };
    let room = RoomPlan::new(saga, choreography::heard_by(PAYMENT))
        .performs::<Charge>(charge, &breaker, calls.clone())
        .performs::<QueryCharge>(once, &breaker, calls.clone())
        .performs::<CloseCharge>(for_ever, &breaker, calls.clone())
        .performs::<Refund>(for_ever, &breaker, calls);
    Service::named(PAYMENT, "payment-service")
        .migrations::<migrations::Migrator>()
        .room(room)
        .routes(http::routes, http::PROBLEMS)
}

/// The service as a process serves it, with the sandbox in another one.
pub const UNIT: Unit = Unit {
    name: PAYMENT,
    settings: SETTINGS,
    port: 8083,
    build: |config| {
        let provider = RemoteProvider::new(config.sandbox_elsewhere()?);
        Ok(service(&config.section(PAYMENT)?, Arc::new(provider)))
    },
};
