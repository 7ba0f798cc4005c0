//! A carrier that only pretends: it books, loses answers, picks parcels up, delivers them and tells the shop, as told by
//! its settings. What it has done it keeps in a ledger of its own, in a database of its own, so that tests can take it
//! for the truth about the outside world.
//!
//! ```text
//! shop ── book, find, cancel, track ──▶ adapter ──▶ room (rules in `booking`) ──▶ table
//! shop ◀── news ── rounds (a queue in memory, ordered by time) ── pick up, deliver ──▶ room
//! ```
//! One database row per booking, written three times: booked, picked up, delivered.
//!
//! Parcels to the postal code `REFUSED`, and to the country `AQ`, are refused for good.

mod adapter;
mod behaviour;
mod booking;
mod http;
mod migrations;
mod news;
mod queue;
mod remote;
mod rounds;
mod store;
mod wire;

use std::{
    future::Future,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
};

use futures_util::future::BoxFuture;
use platform::{
    App, RoomPlan, Service,
    config::{DurationRange, HttpUrl, Span},
};
use serde::Deserialize;
use tokio::sync::mpsc;

pub use adapter::SandboxCarrier;
pub use behaviour::{Behaviour, Fate};
pub use booking::{Book, Cancel, Deliver, Depot, Find, Input, Known, Pace, PickUp, Transit, Visit};
pub use news::{Heard, MAX_IN_FLIGHT, connect, connect_to};
pub use queue::{Errand, Queue, What};
pub use remote::RemoteCarrier;
pub use store::{Booking, Work};

use crate::{LINGER, domain::CarrierNews};

/// Short name of the service. Never rename.
pub const NAME: &str = "sandbox-carrier";

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

type Tell = Box<dyn Fn(CarrierNews) -> BoxFuture<'static, Heard> + Send + Sync>;

/// The carrier as the rest of the process sees it. Cheap to clone; all clones are the same carrier.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    /// As its settings say.
    usual: Behaviour,
    behaviour: RwLock<Behaviour>,
    pace: Pace,
    /// Where news goes.
    tell: OnceLock<Tell>,
    /// Once it runs.
    app: OnceLock<App>,
    /// Keys of new bookings, for the rounds.
    visits: mpsc::UnboundedSender<String>,
    to_visit: Mutex<Option<mpsc::UnboundedReceiver<String>>>,
}

/// The carrier as a service, and as what is needed to call it ([`Sandbox::adapter`]) and to hear of it ([`connect`]).
pub fn service(settings: &Settings) -> (Service, Sandbox) {
    let sandbox = Sandbox::new(settings);
    let depot = Depot { pace: sandbox.0.pace };
    let (rounds, routes) = (sandbox.clone(), sandbox.clone());
    let service = Service::named(NAME, NAME)
        .migrations::<migrations::Migrator>()
        .room(RoomPlan::new(depot, []).lingers(LINGER))
        .routes(
            move |app| {
                drop(routes.0.app.set(app.clone())); // the first that runs is the one
                http::routes(app, routes)
            },
            http::PROBLEMS,
        )
        .task(move |app, stopping| rounds::run(app, rounds, stopping))
        .outside();
    (service, sandbox)
}

impl Sandbox {
    fn new(settings: &Settings) -> Self {
        let usual = Behaviour::of(settings);
        let (visits, to_visit) = mpsc::unbounded_channel();
        Self(Arc::new(Inner {
            usual,
            behaviour: RwLock::new(usual),
            pace: Pace { pickup_after: settings.pickup_after.delta(), deliver_after: settings.deliver_after.delta() },
            tell: OnceLock::new(),
            app: OnceLock::new(),
            visits,
            to_visit: Mutex::new(Some(to_visit)),
        }))
    }

    /// The carrier port, for the shop. Calls fail until the carrier runs.
    pub fn adapter(&self) -> SandboxCarrier {
        SandboxCarrier { sandbox: self.clone() }
    }

    /// Where news goes; until this is said it waits. The first word counts.
    pub fn tell<F: Future<Output = Heard> + Send + 'static>(
        &self,
        tell: impl Fn(CarrierNews) -> F + Send + Sync + 'static,
    ) {
        drop(self.0.tell.set(Box::new(move |news| Box::pin(tell(news)))));
    }

    /// As it behaves now.
    pub fn behaviour(&self) -> Behaviour {
        *self.0.behaviour.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has it behave otherwise, until it is started again.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.0.behaviour.write().unwrap_or_else(PoisonError::into_inner) = behaviour;
    }

    /// As its settings say.
    pub fn usual(&self) -> Behaviour {
        self.0.usual
    }

    /// Has the rounds look at this booking.
    fn visit(&self, key: &str) {
        drop(self.0.visits.send(key.to_owned())); // no rounds any more: it is found at the next start
    }
}
