//! A payment provider with a ledger in a database of its own. It decides by token and fails as
//! configured.

mod answers;
mod behaviour;
mod calls;
mod entry;
mod http;
mod migrations;
mod participant;
mod rules;

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use host::Service;
use saga::{App, ParticipantBuilder};
use serde::Deserialize;
use settings::{DurationRange, Span};

pub use crate::fate::Fate;
pub use answers::{ChargeAnswer, ChargeReply, CloseAnswer, QueryAnswer, Refunded};
pub use behaviour::{Behaviour, LatencyMs};
pub use entry::{Model as Entry, Operation, Status};
pub use participant::{Charge, Close, Input, Query, Refund, SandboxProvider};
pub use rules::{Books, ChargeLands, LANDS_AFTER};

/// Short name of the service. Never rename.
pub const NAME: &str = "sandbox-payment";

/// Section `[sandbox.payment]`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub latency: DurationRange,
    pub error_rate: f64,
    pub timeout_rate: f64,
    pub timeout_after_effect_rate: f64,
}

impl Default for Settings {
    /// Answers at once, and only by token.
    fn default() -> Self {
        let at_once = DurationRange { start: Span::from_millis(0), end: Span::from_millis(0) };
        Self { latency: at_once, error_rate: 0.0, timeout_rate: 0.0, timeout_after_effect_rate: 0.0 }
    }
}

/// The provider: a service to start ([`PaymentProvider::service`]), and its calls for use in the
/// same process.
#[derive(Clone)]
pub struct PaymentProvider {
    configured: Behaviour,
    current: Arc<RwLock<Behaviour>>,
    /// Set when the service starts. Calls fail before.
    app: Arc<OnceLock<App>>,
}

impl PaymentProvider {
    pub fn new(settings: &Settings) -> Self {
        let configured = Behaviour::from(*settings);
        Self { configured, current: Arc::new(RwLock::new(configured)), app: Arc::default() }
    }

    /// Publishes nothing and subscribes to nothing.
    pub fn service(&self) -> Service {
        let provider = self.clone();
        Service::named(NAME, "payment-provider")
            .migrations::<migrations::Migrator>()
            .participant(ParticipantBuilder::new(SandboxProvider))
            .routes(
                move |app| {
                    drop(provider.app.set(app.clone())); // calls go to the service that starts first
                    http::routes(app, provider)
                },
                http::PROBLEMS,
            )
            .outside()
    }

    /// The behaviour in force.
    pub fn behaviour(&self) -> Behaviour {
        *self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the behaviour until the next start.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = behaviour;
    }
}
