use std::{fmt, future::Future, time::Duration};

use futures_util::future::BoxFuture;
use tower::{Service, service_fn};
use tower_resilience_circuitbreaker::{
    CircuitBreaker, CircuitBreakerError, CircuitBreakerLayer, CircuitState, DefaultClassifier, FailureModel,
};

use super::CallError;

/// A circuit breaker, one per provider: when most calls fail it opens, and calls are put off instead of made; after a
/// while it lets one through to see.
#[derive(Clone)]
pub struct Breaker {
    name: &'static str,
    circuit: CircuitBreaker<Calls, DefaultClassifier>,
}

type Call = BoxFuture<'static, Result<(), CallError>>;
type Calls = tower::util::ServiceFn<fn(Call) -> Call>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    Closed,
    Open,
    HalfOpen,
}

impl Breaker {
    /// Opens for 30 s when 10 calls in a row have failed. (Failures per minute would open it at every burst against a
    /// provider that fails one call in ten; the share of failures, as this crate counts it, is that since the start, or
    /// costs a look at every call of the last minute.)
    pub fn new(name: &'static str) -> Self {
        Self::resting(name, Duration::from_secs(30))
    }

    /// One that is open for another time, for tests.
    #[doc(hidden)]
    pub fn resting(name: &'static str, rest: Duration) -> Self {
        let layer: CircuitBreakerLayer<DefaultClassifier> = CircuitBreakerLayer::builder()
            .name(name)
            .failure_model(FailureModel::ConsecutiveFailures { k: 10 })
            .wait_duration_in_open(rest)
            .permitted_calls_in_half_open(1)
            .build()
            .expect("the settings above are valid");
        let calls: Calls = service_fn((|call| call) as fn(Call) -> Call);
        Self { name, circuit: layer.layer_fn(calls) }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn state(&self) -> BreakerState {
        match self.circuit.state_sync() {
            CircuitState::Closed => BreakerState::Closed,
            CircuitState::Open => BreakerState::Open,
            CircuitState::HalfOpen => BreakerState::HalfOpen,
        }
    }

    /// Makes the call, or doesn't. `None`: the breaker is open.
    pub(crate) async fn run<A: Send + 'static>(
        &self,
        call: impl Future<Output = Result<A, CallError>> + Send + 'static,
    ) -> Option<Result<A, CallError>> {
        let (send, receive) = tokio::sync::oneshot::channel();
        let call: Call = Box::pin(async move {
            let result = call.await;
            let told = result.as_ref().map(|_| ()).map_err(Clone::clone);
            drop(send.send(result));
            told
        });
        match self.circuit.clone().call(call).await {
            Err(CircuitBreakerError::OpenCircuit) => None,
            Ok(()) | Err(_) => receive.await.ok(),
        }
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("name", &self.name).field("state", &self.state()).finish_non_exhaustive()
    }
}
