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
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// No broker can be used.
    away: Option<String>,
    /// Why the last connection failed.
    reason: Option<String>,
    /// What brokers do not allow, by what wanted it.
    refused: BTreeMap<String, String>,
    well: Option<Instant>,
}

/// So long nobody needs to ask again.
const FRESH: Duration = Duration::from_secs(5);

impl Health {
    pub fn new(options: &KafkaOptions) -> Self {
        Self {
            brokers: options.brokers.clone(),
            who: options.security.who().to_string(),
            sick: AtomicBool::new(false),
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

    /// What a client says is wrong.
    pub fn error(&self, code: RDKafkaErrorCode, reason: &str) {
        use RDKafkaErrorCode as Code;
        let mut state = self.state();
        let words = match code {
            Code::Authentication | Code::SaslAuthenticationFailed => {
                Some(format!("Kafka refuses {}: wrong user or password ({reason})", self.who))
            }
            Code::SSL if reason.contains("verif") => {
                Some(format!("the certificate of Kafka is not signed by an authority that is known here ({reason})"))
            }
            Code::SSL => Some(format!("there is no secure connection to Kafka ({reason})")),
            Code::AllBrokersDown => {
                let why = state.reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
                // What has been found out is better than that nobody is there.
                state.away.is_none().then(|| format!("no broker of {} answers{why}", self.brokers))
            }
            Code::BrokerTransportFailure | Code::Resolve => {
                state.reason = Some(reason.to_owned());
                None
            }
            _ => None,
        };
        if let Some(words) = words {
            if state.away.is_none() {
                warn!("{words}");
            }
            state.away = Some(words);
            self.sick.store(true, Ordering::Relaxed);
        }
    }

    /// Something that is not allowed, and will not be by waiting.
    pub fn refuse(&self, what: &str, why: &str) {
        let before = self.state().refused.insert(what.to_owned(), why.to_owned());
        if before.is_none_or(|it| it != why) {
            warn!("{why}");
        }
    }

    pub fn allow(&self, what: &str) {
        self.state().refused.remove(what);
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
        state.away.clone().unwrap_or_else(|| {
            let why = state.reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
            format!("no broker of {} answers{why}", self.brokers)
        })
    }

    /// Whether trying again could help.
    pub fn is_misconfigured(&self) -> bool {
        let state = self.state();
        state.away.as_ref().is_some_and(|why| !why.starts_with("no broker"))
    }

    pub fn who(&self) -> &str {
        &self.who
    }
}

/// What a client tells us besides records.
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
