//! Health of the connection to Kafka, with the reason of a failure as text for an operator.

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

/// The health as reported by all clients of one bus.
#[derive(Debug)]
pub(super) struct Health {
    brokers: String,
    /// The user name, or "this program".
    principal: String,
    unavailable: AtomicBool,
    any_refused: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// No broker can be used.
    outage: Option<Outage>,
    /// The reason why the last connection failed.
    reason: Option<String>,
    /// Missing permissions, as text, by topic or group.
    refused: BTreeMap<String, String>,
    /// Time of the last answer from a broker.
    answered_at: Option<Instant>,
}

#[derive(Debug)]
struct Outage {
    why: String,
    /// The outage lasts until an operator changes something: retries do not help.
    permanent: bool,
}

/// How long an answer from a broker counts as healthy without a new probe.
const HEALTHY_FOR: Duration = Duration::from_secs(5);

impl Health {
    pub fn new(options: &KafkaOptions) -> Self {
        Self {
            brokers: options.brokers.clone(),
            principal: options.security.principal().to_string(),
            unavailable: AtomicBool::new(false),
            any_refused: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Records that a broker has answered.
    pub fn answered(&self) {
        let mut state = self.state();
        (state.outage, state.reason, state.answered_at) = (None, None, Some(Instant::now()));
        self.unavailable.store(false, Ordering::Relaxed);
    }

    /// As `answered`, but only after an outage: takes no lock while Kafka is available.
    pub fn recovered(&self) {
        if self.unavailable.load(Ordering::Relaxed) {
            self.answered();
        }
    }

    /// Records an error that a client reports.
    pub fn error(&self, code: RDKafkaErrorCode, reason: &str) {
        use RDKafkaErrorCode as Code;
        let mut state = self.state();
        let permanent = |why| Outage { why, permanent: true };
        let outage = match code {
            Code::Authentication | Code::SaslAuthenticationFailed => {
                permanent(format!("Kafka refuses {}: wrong user or password ({reason})", self.principal))
            }
            Code::SSL if reason.contains("verif") => permanent(format!(
                "the certificate of Kafka is not signed by an authority that is known here ({reason})"
            )),
            Code::SSL => permanent(format!("there is no secure connection to Kafka ({reason})")),
            // A reason that is already known is more precise than this error.
            Code::AllBrokersDown if state.outage.is_none() => Outage { why: self.no_broker(&state), permanent: false },
            Code::BrokerTransportFailure | Code::Resolve => {
                state.reason = Some(reason.to_owned());
                return;
            }
            _ => return,
        };
        if state.outage.is_none() {
            warn!("{}", outage.why);
        }
        state.outage = Some(outage);
        self.unavailable.store(true, Ordering::Relaxed);
    }

    fn no_broker(&self, state: &State) -> String {
        let why = state.reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        format!("no broker of {} answers{why}", self.brokers)
    }

    /// Records a missing permission for a topic or group. Waiting does not help.
    pub fn refuse(&self, what: &str, why: &str) {
        let before = self.state().refused.insert(what.to_owned(), why.to_owned());
        if before.is_none_or(|it| it != why) {
            warn!("{why}");
        }
        self.any_refused.store(true, Ordering::Relaxed);
    }

    /// Removes a missing permission. Takes no lock while nothing is refused.
    pub fn allow(&self, what: &str) {
        if self.any_refused.load(Ordering::Relaxed) {
            let mut state = self.state();
            state.refused.remove(what);
            self.any_refused.store(!state.refused.is_empty(), Ordering::Relaxed);
        }
    }

    /// The current health. `None`: unknown, a probe is needed.
    pub fn known(&self) -> Option<Result<(), String>> {
        let state = self.state();
        if let Some(why) = state.refused.values().next() {
            return Some(Err(why.clone()));
        }
        let answered = state.answered_at.is_some_and(|at| at.elapsed() < HEALTHY_FOR);
        (state.outage.is_none() && answered).then_some(Ok(()))
    }

    /// The reason why no broker answers.
    pub fn outage(&self) -> String {
        let state = self.state();
        state.outage.as_ref().map_or_else(|| self.no_broker(&state), |outage| outage.why.clone())
    }

    /// Whether retries are useless.
    pub fn is_permanently_unavailable(&self) -> bool {
        self.state().outage.as_ref().is_some_and(|outage| outage.permanent)
    }

    pub fn principal(&self) -> &str {
        &self.principal
    }
}

/// The callbacks of a client that only reports its health.
pub(super) struct HealthContext(pub Arc<Health>);

pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    debug!(target: "librdkafka", ?level, facility, message); // important ones are also reported as errors
}

pub(super) fn error(health: &Health, error: &KafkaError, reason: &str) {
    debug!(target: "librdkafka", %error, reason);
    if let Some(code) = error.rdkafka_error_code() {
        health.error(code, reason);
    }
}

impl ClientContext for HealthContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, cause: KafkaError, reason: &str) {
        error(&self.0, &cause, reason);
    }
}

impl ConsumerContext for HealthContext {}
