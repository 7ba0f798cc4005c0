use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU32, Ordering},
    },
    time::Duration,
};

use failsafe::{
    Instrument, StateMachine,
    failure_policy::{ConsecutiveFailures, consecutive_failures},
};
use tokio_retry::strategy::ExponentialBackoff;
use tracing::info;

use super::CallError;

/// A circuit breaker, one per provider. It opens when ten calls in a row have failed: calls are postponed instead of made.
/// After a pause it is half open and lets calls through: the first of them that ends closes it, or opens it for longer.
///
/// (Ten in a row, because a provider that fails one call in ten is not down. All calls until one has ended, and a short first
/// pause, because a single trial may be a request that always fails, whatever the state of the provider.)
#[derive(Clone)]
pub struct Breaker {
    circuit: StateMachine<ConsecutiveFailures<ExponentialBackoff>, Gauge>,
    gauge: Gauge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    Closed,
    Open,
    HalfOpen,
}

impl Breaker {
    /// Stays open for 4 s, and twice as long each time the provider is not back, up to 30 s.
    pub fn new(name: &'static str) -> Self {
        Self::opening_for(name, Duration::from_secs(4))
    }

    /// One that stays open for another time at first.
    #[doc(hidden)]
    pub fn opening_for(name: &'static str, first: Duration) -> Self {
        let half = u64::try_from(first.as_millis() / 2).expect("a pause is short");
        let pauses = ExponentialBackoff::from_millis(2).factor(half.max(1)).max_delay(Duration::from_secs(30));
        let gauge = Gauge { name, state: Arc::default(), opened: Arc::default() };
        Self { circuit: StateMachine::new(consecutive_failures(10, pauses), gauge.clone()), gauge }
    }

    pub fn name(&self) -> &'static str {
        self.gauge.name
    }

    pub fn state(&self) -> BreakerState {
        match self.gauge.state.load(Ordering::Relaxed) {
            CLOSED => BreakerState::Closed,
            OPEN => BreakerState::Open,
            _ => BreakerState::HalfOpen,
        }
    }

    /// Makes the call, or doesn't. `None`: the breaker is open.
    pub(crate) async fn run<A>(
        &self,
        call: impl Future<Output = Result<A, CallError>>,
    ) -> Option<Result<A, CallError>> {
        if !self.circuit.is_call_permitted() {
            return None;
        }
        let opened = self.gauge.opened.load(Ordering::Relaxed);
        let result = call.await;
        if self.gauge.opened.load(Ordering::Relaxed) != opened {
            return Some(result); // begun before it opened, this says nothing of how the provider is now
        }
        match result {
            Ok(_) => self.circuit.on_success(),
            Err(_) => self.circuit.on_error(),
        }
        Some(result)
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("name", &self.name()).field("state", &self.state()).finish_non_exhaustive()
    }
}

const CLOSED: u8 = 0;
const HALF_OPEN: u8 = 1;
const OPEN: u8 = 2;

/// The last reported state of the circuit.
#[derive(Clone)]
struct Gauge {
    name: &'static str,
    state: Arc<AtomicU8>,
    /// How often it has opened.
    opened: Arc<AtomicU32>,
}

impl Gauge {
    fn becomes(&self, state: u8, what: &str) {
        if self.state.swap(state, Ordering::Relaxed) != state {
            info!(provider = self.name, "circuit breaker {what}");
        }
    }
}

impl Instrument for Gauge {
    fn on_call_rejected(&self) {}

    fn on_open(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
        self.becomes(OPEN, "open: the provider fails, calls are postponed");
    }

    fn on_half_open(&self) {
        self.becomes(HALF_OPEN, "half open: calls are tried");
    }

    fn on_closed(&self) {
        self.becomes(CLOSED, "closed: the provider answers");
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    const TEN: usize = 10;

    fn fail(breaker: &Breaker) -> Option<Result<(), CallError>> {
        let down = CallError::Failed("down".to_owned());
        breaker.run(ready(Err(down))).now_or_never().expect("ready")
    }

    /// One that has opened and may try again.
    async fn half_open() -> Breaker {
        let breaker = Breaker::opening_for("provider", Duration::from_millis(2));
        for _ in 0..TEN {
            assert_eq!(breaker.state(), BreakerState::Closed);
            assert!(fail(&breaker).is_some());
        }
        assert_eq!(breaker.state(), BreakerState::Open);
        while !breaker.circuit.is_call_permitted() {
            tokio::task::yield_now().await;
        }
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        breaker
    }

    #[test]
    fn a_success_between_failures_keeps_it_closed() {
        let breaker = Breaker::new("provider");
        for call in 1..100 {
            match call % TEN {
                0 => assert!(breaker.run(ready(Ok(()))).now_or_never().flatten().is_some()),
                _ => assert!(fail(&breaker).is_some()),
            }
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[tokio::test]
    async fn a_request_that_always_fails_does_not_hold_up_the_others() {
        let breaker = half_open().await;
        let (answer, answered) = oneshot::channel::<()>();
        let mut bad =
            Box::pin(breaker.run(async { answered.await.map_err(|_| CallError::Unknown("no answer".to_owned())) }));
        assert!(bad.as_mut().now_or_never().is_none(), "it is under way");
        assert!(breaker.run(ready(Ok(()))).await.is_some(), "the other is tried, too");
        assert_eq!(breaker.state(), BreakerState::Closed);
        drop(answer);
        assert!(bad.await.is_some_and(|result| result.is_err()));
        assert_eq!(breaker.state(), BreakerState::Closed, "one failure since the last success");
    }

    #[tokio::test]
    async fn what_was_begun_before_it_opened_does_not_open_it_again() {
        let breaker = Breaker::opening_for("provider", Duration::from_millis(2));
        let (answer, answered) = oneshot::channel::<()>();
        let old = breaker.run(async { answered.await.map_err(|_| CallError::Unknown("no answer".to_owned())) });
        let mut old = Box::pin(old);
        assert!(old.as_mut().now_or_never().is_none(), "it is under way");
        for _ in 0..TEN {
            assert!(fail(&breaker).is_some());
        }
        while !breaker.circuit.is_call_permitted() {
            tokio::task::yield_now().await;
        }
        drop(answer);
        assert!(old.await.is_some_and(|result| result.is_err()));
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
    }

    #[tokio::test]
    async fn a_provider_that_is_not_back_is_left_alone_again() {
        let breaker = half_open().await;
        assert!(fail(&breaker).is_some());
        assert_eq!(breaker.state(), BreakerState::Open);
    }
}
