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

use crate::{
    domain::{Charge, CloseCharge, PaymentRules, QueryCharge, Refund},
    effects::{Calls, HttpProvider, Provider},
};

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

/// The adapter of the provider port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    Sandbox,
}

impl Settings {
    fn rules(&self) -> PaymentRules {
        PaymentRules { query_for: self.query_for.delta() }
    }

    /// Retried without limit: keys make repeats harmless, and compensations must succeed.
    fn unlimited(&self) -> Policy {
        Policy { timeout: self.timeout.duration(), ..Policy::default() }
    }

    fn charge(&self) -> Policy {
        Policy { unknown: true, ..self.unlimited() }
    }

    /// One attempt: the domain requests the next query itself.
    fn query(&self) -> Policy {
        Policy { attempts: Some(1), is_query: true, ..self.unlimited() }
    }

    fn refund(&self) -> Policy {
        Policy { key_valid_for: Some(self.query_for.duration()), ..self.unlimited() }
    }
}

/// The parts of this service.
pub fn service(settings: &Settings, provider: Arc<dyn Provider>) -> Service {
    let breaker = Breaker::new("payment-provider");
    let calls = Calls(provider);
    Service::named(PAYMENT, "payment-service")
        .migrations::<migrations::Migrator>()
        .participant(
            ParticipantBuilder::new(saga::PaymentSaga { rules: settings.rules() })
                .performs::<Charge>(settings.charge(), &breaker, calls.clone())
                .performs::<QueryCharge>(settings.query(), &breaker, calls.clone())
                .performs::<CloseCharge>(settings.unlimited(), &breaker, calls.clone())
                .performs::<Refund>(settings.refund(), &breaker, calls),
        )
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
