//! Effects: calls to the outside world.
//!
//! A decision asks for one (`then.request(…)`); the request is stored by the deciding transaction. A worker performs it
//! outside any transaction, many at once, and what came of it enters the room by the outcome door. Every attempt bears
//! the same idempotency key. **A time-out is not a failure**: what may have happened is `Said::Unknown`, and the domain
//! asks again before it draws conclusions.

pub(crate) mod batch;
mod breaker;
mod hand_over;
mod worker;

use std::{future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

pub use breaker::{Breaker, BreakerState};
pub(crate) use hand_over::Effects;
pub(crate) use worker::{Finished, Job, Worker};

/// A call to the outside that a decision asks for.
pub trait Request: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Stored. Never rename.
    const NAME: &'static str;
    /// What the outside says when it says something definite.
    type Answer: Send + Sync + 'static;

    /// The same for every attempt, and for no other request.
    fn idempotency_key(&self) -> String;
}

/// Performs requests of one kind.
pub trait Perform<R: Request>: Send + Sync + 'static {
    /// One attempt. It is given up when the policy's time-out is over, and then counts as `CallError::Unknown`.
    fn perform(&self, request: &R, key: &str) -> impl Future<Output = Result<R::Answer, CallError>> + Send;
}

/// Why an attempt has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It has not happened, and may be tried again.
    #[error("{0}")]
    Failed(String),
    /// It may have happened.
    #[error("outcome unknown: {0}")]
    Unknown(String),
}

/// What came of a request; enters the room that asked.
#[derive(Debug)]
pub struct Outcome<R: Request> {
    pub request: R,
    /// This was attempt number so much (1, 2, 3 …).
    pub attempt: u32,
    pub said: Said<R::Answer>,
}

#[derive(Debug)]
pub enum Said<A> {
    /// Something definite.
    Answer(A),
    /// Perhaps it has happened, perhaps not. Only for requests whose policy says that time-outs are `unknown`.
    Unknown(String),
    /// It has not happened, and won't be tried again: the policy's attempts are used up.
    GaveUp(String),
}

/// How a kind of request is performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// For one attempt.
    pub timeout: Duration,
    /// Attempts before `GaveUp`; `None`: it is tried for ever.
    pub attempts: Option<u32>,
    /// Wait after the first failed attempt; doubles, jittered, up to `longest_wait`.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// An attempt that may have happened is reported as `Unknown`; otherwise (asking is harmless, or the key makes a
    /// repeat harmless) it counts as failed and is tried again.
    pub unknown: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            attempts: None,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_mins(1),
            unknown: false,
        }
    }
}
