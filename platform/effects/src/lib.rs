#![doc = include_str!("../README.md")]

mod attempt;
pub mod batch;
mod breaker;
mod dispatch;
mod intake;
pub mod ownership;
mod places;
pub mod tables;
mod worker;

use std::{future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use tables::effect;

pub use breaker::{Breaker, BreakerPolicy, BreakerState};
pub use dispatch::{DueNow, Effects, Load};
pub use worker::{Finished, Job, Worker, WorkerContext};

/// A call to the outside that a decision requests.
pub trait Request: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Stored. Never rename.
    const NAME: &'static str;
    /// The provider's definite answer.
    type Answer: Send + Sync + 'static;

    /// The same for every attempt, and for no other request.
    fn idempotency_key(&self) -> String;
}

/// Performs requests of one kind.
pub trait Perform<R: Request>: Send + Sync + 'static {
    /// One attempt. It is abandoned after the policy's time-out, and then counts as `CallError::Unknown`.
    fn perform(&self, request: &R, key: &str) -> impl Future<Output = Result<R::Answer, CallError>> + Send;
}

/// Why an attempt has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Returned when the call certainly had no effect. It may be made again.
    #[error("{0}")]
    Failed(String),
    /// The call may have had its effect.
    #[error("outcome unknown: {0}")]
    Unknown(String),
}

/// The result of a request; an input of the participant that requested it.
#[derive(Debug)]
pub struct Outcome<R: Request> {
    pub request: R,
    /// The number of the attempt: 1, 2, 3 …
    pub attempt: u32,
    pub result: CallResult<R::Answer>,
}

#[derive(Debug)]
pub enum CallResult<A> {
    /// A definite answer.
    Answer(A),
    /// The call may have had its effect. Only for requests whose policy reports `unknown`.
    Unknown(String),
    /// The call had no effect, and is not made again: the policy's attempts are used up.
    Exhausted(String),
    /// An earlier attempt may have had its effect, and the provider may no longer recognise the key: the call is not made again,
    /// because it could have its effect twice. A person decides.
    KeyExpired(String),
}

/// How a kind of request is performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// For one attempt.
    pub timeout: Duration,
    /// Attempts before `Exhausted`; `None`: no limit.
    pub attempts: Option<u32>,
    /// The wait after the first failed attempt; doubles, with jitter, up to `longest_wait`.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// An attempt that may have had its effect is reported as `Unknown`. Otherwise (a query, or a key that makes repeats
    /// harmless) it counts as failed and is made again.
    pub unknown: bool,
    /// It asks for the outcome of an earlier call. Queries and retries have places of their own.
    pub is_query: bool,
    /// How long after the request its key may be used for another attempt; `None`: for ever.
    pub key_valid_for: Option<Duration>,
}

impl Policy {
    fn is_retry(&self, request: &effect::Model) -> bool {
        self.is_query || request.attempts > 0
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            attempts: None,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_mins(1),
            unknown: false,
            is_query: false,
            key_valid_for: None,
        }
    }
}
