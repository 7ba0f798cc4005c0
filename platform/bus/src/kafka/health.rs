//! Whether Kafka can be used, and if not, why: in words for a person.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    consumer::ConsumerContext,
    error::{KafkaError, RDKafkaErrorCode},
};
use std::sync::Arc;
use tracing::{debug, warn};

use super::KafkaOptions;

/// What the clients of one bus have seen.
#[derive(Debug)]
pub(super) struct Health {
    brokers: String,
    who: String,
    sick: AtomicBool,
    any_refused: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// No broker can be used.
    away: Option<Away>,
    /// Why the last connection failed.
    reason: Option<String>,
    /// What brokers do not allow, by what wanted it.
    refused: BTreeMap<String, String>,
    well: Option<Instant>,
}

#[derive(Debug)]
struct Away {
    why: String,
    /// As long as nobody changes something about it.
    for_good: bool,
}

/// So long nobody needs to ask again.
const FRESH: Duration = Duration::from_secs(5);

impl Health {
    pub fn new(options: &KafkaOptions) -> Self {
        Self {
            brokers: options.brokers.clone(),
            who: options.security.who().to_string(),
            sick: AtomicBool::new(false),
            any_refused: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A broker has answered.
    pub fn well(&self) {
        let mut state = self.state();
        (state.away, state.reason, state.well) = (None, None, Some(Instant::now()));
        self.sick.store(false, Ordering::Relaxed);
    }

    /// As `well`, and costs nothing as long as all is.
    pub fn well_again(&self) {
        if self.sick.load(Ordering::Relaxed) {
            self.well();
        }
    }

    /// An error that a client reports.
    pub fn error(&self, code: RDKafkaErrorCode, reason: &str) {
        use RDKafkaErrorCode as Code;
        let mut state = self.state();
        let for_good = |why| Away { why, for_good: true };
        let away = match code {
            Code::Authentication | Code::SaslAuthenticationFailed => {
                for_good(format!("Kafka refuses {}: wrong user or password ({reason})", self.who))
            }
            Code::SSL if reason.contains("verif") => for_good(format!(
                "the certificate of Kafka is not signed by an authority that is known here ({reason})"
            )),
            Code::SSL => for_good(format!("there is no secure connection to Kafka ({reason})")),
            // What has been found out is better than that nobody is there.
            Code::AllBrokersDown if state.away.is_none() => Away { why: self.nobody(&state), for_good: false },
            Code::BrokerTransportFailure | Code::Resolve => {
                state.reason = Some(reason.to_owned());
                return;
            }
            _ => return,
        };
        if state.away.is_none() {
            warn!("{}", away.why);
        }
        state.away = Some(away);
        self.sick.store(true, Ordering::Relaxed);
    }

    fn nobody(&self, state: &State) -> String {
        let why = state.reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        format!("no broker of {} answers{why}", self.brokers)
    }

    /// Something that is not allowed, and will not be by waiting.
    pub fn refuse(&self, what: &str, why: &str) {
        let before = self.state().refused.insert(what.to_owned(), why.to_owned());
        if before.is_none_or(|it| it != why) {
            warn!("{why}");
        }
        self.any_refused.store(true, Ordering::Relaxed);
    }

    /// It is allowed now. Costs nothing as long as nothing is refused.
    pub fn allow(&self, what: &str) {
        if self.any_refused.load(Ordering::Relaxed) {
            let mut state = self.state();
            state.refused.remove(what);
            self.any_refused.store(!state.refused.is_empty(), Ordering::Relaxed);
        }
    }

    /// `None`: a broker is to be asked.
    pub fn known(&self) -> Option<Result<(), String>> {
        let state = self.state();
        if let Some(why) = state.refused.values().next() {
            return Some(Err(why.clone()));
        }
        (state.away.is_none() && state.well.is_some_and(|at| at.elapsed() < FRESH)).then_some(Ok(()))
    }

    /// Why nobody answers.
    pub fn away(&self) -> String {
        let state = self.state();
        state.away.as_ref().map_or_else(|| self.nobody(&state), |away| away.why.clone())
    }

    /// Trying again will not help.
    pub fn is_away_for_good(&self) -> bool {
        self.state().away.as_ref().is_some_and(|away| away.for_good)
    }

    pub fn who(&self) -> &str {
        &self.who
    }
}

/// Callbacks of a client.
pub(super) struct Listens(pub Arc<Health>);

pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    debug!(target: "librdkafka", ?level, facility, message); // what matters comes as an error as well
}

pub(super) fn error(health: &Health, error: &KafkaError, reason: &str) {
    debug!(target: "librdkafka", %error, reason);
    if let Some(code) = error.rdkafka_error_code() {
        health.error(code, reason);
    }
}

impl ClientContext for Listens {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, cause: KafkaError, reason: &str) {
        error(&self.0, &cause, reason);
    }
}

impl ConsumerContext for Listens {}
