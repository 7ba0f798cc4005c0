//! The circuit breaker of a provider.
//!
//! Its rule is the requirement's (five failures within a minute open it for thirty seconds), tempered by a ratio: see
//! `docs/decisions.md`. Unlike the breakers of libraries it refuses no call: a worker asks it *before* it takes a job, and the
//! jobs wait.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use metrics::gauge;
use tokio::time::Instant;
use tracing::{info, warn};

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerPolicy {
    /// Calls that ended longer ago do not count. Counted in sixtieths.
    pub window: Duration,
    /// It opens when at least this number of calls has failed …
    pub failures: u32,
    /// … and at least this part of all calls, between 0 and 1. With 0 the number alone decides.
    pub failure_ratio: f64,
    /// For how long it stays open before a trial call.
    pub open: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { window: Duration::from_mins(1), failures: 5, failure_ratio: 0.5, open: Duration::from_secs(30) }
    }
}

/// The breaker of one provider, shared by all kinds of calls to it. Cheap to clone.
#[derive(Clone)]
pub struct Breaker(Arc<Inner>);

struct Inner {
    name: &'static str,
    policy: OnceLock<BreakerPolicy>,
    circuit: Mutex<Circuit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls are made.
    Closed,
    /// The provider fails: calls wait.
    Open,
    /// One trial call is being made.
    HalfOpen,
}

struct Circuit {
    phase: Phase,
    window: Window,
    /// How often it has opened: a call that began before says nothing about the provider now.
    opened: u64,
}

#[derive(Clone, Copy)]
enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen,
}

/// The right to make one call. Dropped without a result, it counts as no call.
pub struct Permit {
    breaker: Breaker,
    opened: u64,
    is_recorded: bool,
}

impl Breaker {
    pub fn new(name: &'static str) -> Self {
        let circuit = Circuit { phase: Phase::Closed, window: Window::default(), opened: 0 };
        Self(Arc::new(Inner { name, policy: OnceLock::new(), circuit: Mutex::new(circuit) }))
    }

    /// Sets the policy; without this call, or after the first, the policy stays as it is.
    pub fn configure(&self, policy: BreakerPolicy) {
        let _ = self.0.policy.set(policy); // several kinds of calls share a breaker, and configure it alike
        gauge!("uzon_breaker_state", "provider" => self.name()).set(0);
    }

    pub fn name(&self) -> &'static str {
        self.0.name
    }

    pub fn state(&self) -> BreakerState {
        match self.circuit().phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::HalfOpen => BreakerState::HalfOpen,
        }
    }

    /// Lets a call through, or says when to ask again; `Err(None)`: when the trial call has ended.
    pub fn admit(&self, now: Instant) -> Result<Permit, Option<Instant>> {
        let mut circuit = self.circuit();
        match circuit.phase {
            Phase::Closed => {}
            Phase::Open { until } if now < until => return Err(Some(until)),
            Phase::Open { .. } => {
                circuit.phase = Phase::HalfOpen;
                info!(provider = self.name(), "circuit breaker half open: one call is tried");
                gauge!("uzon_breaker_state", "provider" => self.name()).set(1);
            }
            Phase::HalfOpen => return Err(None),
        }
        Ok(Permit { breaker: self.clone(), opened: circuit.opened, is_recorded: false })
    }

    fn record(&self, opened: u64, has_failed: bool, now: Instant) {
        let policy = *self.0.policy.get_or_init(BreakerPolicy::default);
        let mut circuit = self.circuit();
        if opened != circuit.opened {
            return;
        }
        match circuit.phase {
            Phase::Closed => {
                circuit.window.add(has_failed, now, policy.window);
                let (calls, failures) = circuit.window.totals();
                let ratio = f64::from(failures) / f64::from(calls);
                if has_failed && failures >= policy.failures && ratio >= policy.failure_ratio {
                    warn!(provider = self.name(), calls, failures, "circuit breaker open: the provider fails");
                    self.open(&mut circuit, now + policy.open);
                }
            }
            Phase::HalfOpen if has_failed => {
                warn!(provider = self.name(), "circuit breaker open again: the trial call has failed");
                self.open(&mut circuit, now + policy.open);
            }
            Phase::HalfOpen => {
                info!(provider = self.name(), "circuit breaker closed: the provider answers");
                gauge!("uzon_breaker_state", "provider" => self.name()).set(0);
                (circuit.phase, circuit.window) = (Phase::Closed, Window::default());
            }
            Phase::Open { .. } => {} // the trial was given back
        }
    }

    fn open(&self, circuit: &mut Circuit, until: Instant) {
        gauge!("uzon_breaker_state", "provider" => self.name()).set(2);
        circuit.phase = Phase::Open { until };
        circuit.opened += 1;
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.0.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    pub fn record(mut self, has_failed: bool) {
        self.is_recorded = true;
        self.breaker.record(self.opened, has_failed, Instant::now());
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut circuit = self.breaker.circuit();
        if !self.is_recorded && self.opened == circuit.opened && matches!(circuit.phase, Phase::HalfOpen) {
            circuit.phase = Phase::Open { until: Instant::now() }; // the next call is the trial
        }
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("name", &self.name()).field("state", &self.state()).finish_non_exhaustive()
    }
}

const SLOTS: usize = 60;

/// Calls and failures of the last slots of time.
struct Window {
    slots: [(u32, u32); SLOTS],
    begun: Option<Instant>,
    /// The slot of the last call, counted from the beginning.
    last: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { slots: [(0, 0); SLOTS], begun: None, last: 0 }
    }
}

impl Window {
    fn add(&mut self, has_failed: bool, now: Instant, length: Duration) {
        let since = now.saturating_duration_since(*self.begun.get_or_insert(now));
        let slot = (length / 60).max(Duration::from_millis(1));
        let current = usize::try_from(since.as_nanos() / slot.as_nanos()).unwrap_or(usize::MAX).max(self.last);
        for passed in (self.last + 1..=current).take(SLOTS) {
            self.slots[passed % SLOTS] = (0, 0);
        }
        if current - self.last > SLOTS {
            self.slots = [(0, 0); SLOTS];
        }
        self.last = current;
        let (calls, failures) = &mut self.slots[current % SLOTS];
        *calls += 1;
        *failures += u32::from(has_failed);
    }

    fn totals(&self) -> (u32, u32) {
        self.slots.iter().fold((0, 0), |(calls, failures), slot| (calls + slot.0, failures + slot.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Makes a call, if the breaker lets it through.
    fn call(breaker: &Breaker, has_failed: bool) -> bool {
        breaker.admit(Instant::now()).is_ok_and(|permit| {
            permit.record(has_failed);
            true
        })
    }

    fn breaker(policy: BreakerPolicy) -> Breaker {
        let breaker = Breaker::new("provider");
        breaker.configure(policy);
        breaker
    }

    fn open() -> Breaker {
        let breaker = breaker(BreakerPolicy::default());
        for _ in 0..5 {
            assert_eq!(breaker.state(), BreakerState::Closed);
            assert!(call(&breaker, true));
        }
        assert_eq!(breaker.state(), BreakerState::Open);
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn five_failures_open_it_for_thirty_seconds_and_one_success_closes_it() {
        let breaker = open();
        tokio::time::advance(29 * SECOND).await;
        assert!(!call(&breaker, false));
        tokio::time::advance(SECOND).await;
        let trial = breaker.admit(Instant::now()).ok().unwrap();
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert!(breaker.admit(Instant::now()).is_err(), "one trial at a time");
        trial.record(false);
        assert_eq!(breaker.state(), BreakerState::Closed);
        for _ in 0..4 {
            assert!(call(&breaker, true), "failures before it opened do not count");
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_fails_opens_it_again() {
        let breaker = open();
        tokio::time::advance(30 * SECOND).await;
        assert!(call(&breaker, true));
        assert_eq!(breaker.state(), BreakerState::Open);
        tokio::time::advance(29 * SECOND).await;
        assert!(!call(&breaker, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_is_given_back_is_tried_by_the_next() {
        let breaker = open();
        tokio::time::advance(30 * SECOND).await;
        drop(breaker.admit(Instant::now()));
        assert!(call(&breaker, false));
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_fails_one_call_in_ten_is_not_down() {
        let breaker = breaker(BreakerPolicy::default());
        for number in 0..1000 {
            assert!(call(&breaker, number % 10 == 0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn with_ratio_zero_the_number_of_failures_decides() {
        let breaker = breaker(BreakerPolicy { failure_ratio: 0.0, ..BreakerPolicy::default() });
        for number in 0..41 {
            assert!(call(&breaker, number % 10 == 0));
        }
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_of_more_than_a_minute_ago_do_not_count() {
        let breaker = breaker(BreakerPolicy::default());
        for _ in 0..20 {
            assert!(call(&breaker, true));
            tokio::time::advance(16 * SECOND).await; // four within a minute
        }
        assert!(call(&breaker, true));
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert!(call(&breaker, true), "the fifth");
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_began_before_it_opened_does_not_decide_the_trial() {
        let breaker = breaker(BreakerPolicy::default());
        let old = [(); 2].map(|()| breaker.admit(Instant::now()).ok().unwrap());
        (0..5).for_each(|_| assert!(call(&breaker, true)));
        tokio::time::advance(30 * SECOND).await;
        let trial = breaker.admit(Instant::now()).ok().unwrap();
        let [failed, succeeded] = old;
        failed.record(true);
        succeeded.record(false);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        trial.record(false);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
}
