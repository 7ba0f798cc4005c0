//! A payment provider for development and tests. It has a ledger of its own in a database of its own, decides by token, and
//! misbehaves on request. Tests take its ledger for the truth about money.
//!
//! | token | what happens |
//! |---|---|
//! | `tok_ok` | charged |
//! | `tok_declined`, `tok_insufficient_funds` | declined |
//! | `tok_slow` | charged; the answer takes one to two seconds |
//! | `tok_flaky` | fails twice without effect, then charged |
//! | `tok_timeout_charged` | charged, but never answered; whoever asks again is told |
//! | `tok_timeout_not_charged` | never answered and not charged; when it is tried again, charged |
//! | `tok_lands_late` | never answered; a query finds nothing; charged afterwards, unless it was closed first |
//! | any other | declined, `PAYMENT_NOT_AUTHORISED` |

mod bank;
mod behaviour;
mod entry;
mod http;
mod migrations;
mod provider;
mod remote;
mod room;
mod wire;

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use platform::{
    App, RoomPlan, Service,
    config::{DurationRange, Span},
};
use serde::Deserialize;

pub use bank::{Books, ChargeLands, ChargeReply, LANDS_AFTER};
pub use behaviour::{Behaviour, Fate, LatencyMs};
pub use entry::{Model as Entry, Operation, Status};
pub use provider::SandboxProvider;
pub use remote::RemoteProvider;
pub use room::{Bank, Charge, Close, Input, Query, Refund};

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
    /// Answers at once, and does what the token says.
    fn default() -> Self {
        let at_once = DurationRange { start: Span::from_millis(0), end: Span::from_millis(0) };
        Self { latency: at_once, error_rate: 0.0, timeout_rate: 0.0, timeout_after_effect_rate: 0.0 }
    }
}

/// The sandbox: a service that is started like any other ([`Sandbox::service`]), and the payment service's way to it in the
/// same process ([`Sandbox::provider`]).
#[derive(Clone)]
pub struct Sandbox {
    configured: Behaviour,
    current: Arc<RwLock<Behaviour>>,
    /// Once it runs.
    app: Arc<OnceLock<App>>,
}

impl Sandbox {
    pub fn new(settings: &Settings) -> Self {
        let configured = Behaviour::from(*settings);
        Self { configured, current: Arc::new(RwLock::new(configured)), app: Arc::default() }
    }

    /// The provider itself. It publishes nothing and listens to nobody.
    pub fn service(&self) -> Service {
        let sandbox = self.clone();
        Service::named(NAME, "payment-provider")
            .migrations::<migrations::Migrator>()
            .room(RoomPlan::new(Bank, []))
            .routes(
                move |app| {
                    drop(sandbox.app.set(app.clone())); // the first that runs is the one
                    http::routes(app, sandbox)
                },
                http::PROBLEMS,
            )
            .outside()
    }

    /// The payment service's adapter. Calls fail until the provider runs.
    pub fn provider(&self) -> SandboxProvider {
        SandboxProvider { sandbox: self.clone() }
    }

    /// How it behaves now.
    pub fn behaviour(&self) -> Behaviour {
        *self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it behaves from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = behaviour;
    }
}
