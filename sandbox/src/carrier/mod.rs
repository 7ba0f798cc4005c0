//! A carrier with a ledger in a database of its own. It books, loses answers, picks parcels up,
//! delivers them and sends the shop updates, as its settings say.
//!
//! ```text
//! shop ── book, find, cancel ──▶ calls ──▶ participant (rules) ──▶ table
//! shop ◀── updates ── scheduler (jobs in memory, ordered by time) ── pick up, deliver ──▶ participant
//! ```
//! Each booking is one row, written three times: booked, picked up, delivered.

mod answers;
mod behaviour;
mod calls;
mod http;
mod migrations;
mod participant;
mod queue;
mod rules;
mod scheduler;
mod store;
mod webhook;

use std::{
    future::Future,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use futures_util::future::BoxFuture;
use host::Service;
use saga::{App, ParticipantBuilder};
use serde::Deserialize;
use settings::{DurationRange, HttpUrl, Span};
use tokio::sync::mpsc;

pub use crate::fate::Fate;
pub use answers::{BookAnswer, BookingStatus, CancelAnswer, CarrierUpdate, Confirmation, Progress, UpdateAnswer};
pub use behaviour::Behaviour;
pub use participant::{Book, Cancel, Deliver, Find, Input, Pace, PickUp, PickUpAnswer, SandboxCarrier, Transit};
pub use queue::{Job, JobKind, Queue};
pub use store::{Booking, Work};
pub use webhook::MAX_IN_FLIGHT;

/// Short name of the service. Never rename.
pub const NAME: &str = "sandbox-carrier";

/// Minimum interval between the starts of small batches: parcels are not urgent, and share
/// transactions.
const LINGER: Duration = Duration::from_millis(25);

/// Section `[sandbox.carrier]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub latency: DurationRange,
    pub error_rate: f64,
    pub pickup_after: Span,
    pub deliver_after: Span,
    pub webhook: HttpUrl,
}

type SendUpdate = Box<dyn Fn(CarrierUpdate) -> BoxFuture<'static, UpdateAnswer> + Send + Sync>;

/// The carrier: a service to start ([`Carrier::service`]), and its calls for use in the same
/// process. Cheap to clone; all clones are the same carrier.
#[derive(Clone)]
pub struct Carrier(Arc<Inner>);

struct Inner {
    configured: Behaviour,
    behaviour: RwLock<Behaviour>,
    pace: Pace,
    /// Sends an update to the shop.
    send: OnceLock<SendUpdate>,
    /// Set when the service starts. Calls fail before.
    app: OnceLock<App>,
    /// Keys of new bookings, for the scheduler.
    booked: mpsc::UnboundedSender<String>,
    /// The other end, until the scheduler takes it.
    to_schedule: Mutex<Option<mpsc::UnboundedReceiver<String>>>,
}

impl Carrier {
    pub fn new(settings: &Settings) -> Self {
        let configured = Behaviour::of(settings);
        let (booked, to_schedule) = mpsc::unbounded_channel();
        Self(Arc::new(Inner {
            configured,
            behaviour: RwLock::new(configured),
            pace: Pace { pickup_after: settings.pickup_after.delta(), deliver_after: settings.deliver_after.delta() },
            send: OnceLock::new(),
            app: OnceLock::new(),
            booked,
            to_schedule: Mutex::new(Some(to_schedule)),
        }))
    }

    /// Publishes nothing and subscribes to nothing.
    pub fn service(&self) -> Service {
        let (scheduled, called) = (self.clone(), self.clone());
        Service::named(NAME, NAME)
            .migrations::<migrations::Migrator>()
            .participant(ParticipantBuilder::new(SandboxCarrier { pace: self.0.pace }).lingers(LINGER))
            .routes(
                move |app| {
                    drop(called.0.app.set(app.clone())); // calls go to the service that starts first
                    http::routes(app, called)
                },
                http::PROBLEMS,
            )
            .task(move |app, stopping| scheduler::run(app, scheduled, stopping))
            .outside()
    }

    /// Sends updates by `send`. They wait until this is called; only the first call counts.
    pub fn send_updates<F: Future<Output = UpdateAnswer> + Send + 'static>(
        &self,
        send: impl Fn(CarrierUpdate) -> F + Send + Sync + 'static,
    ) {
        drop(self.0.send.set(Box::new(move |update| Box::pin(send(update)))));
    }

    /// Sends updates to the webhook at this address.
    pub fn send_updates_to(&self, webhook: &str) {
        let webhook = Arc::new(webhook::Webhook::new(webhook));
        self.send_updates(move |update| {
            let webhook = webhook.clone();
            async move { webhook.send(&update).await }
        });
    }

    /// The behaviour in force.
    pub fn behaviour(&self) -> Behaviour {
        *self.0.behaviour.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the behaviour until the next start.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.0.behaviour.write().unwrap_or_else(PoisonError::into_inner) = behaviour;
    }

    /// The behaviour of the settings.
    pub fn configured(&self) -> Behaviour {
        self.0.configured
    }
}
