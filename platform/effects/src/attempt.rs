//! One call: made within its time-out, reported to the breaker, and what its result means for the request.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::TimeDelta;
use clock::Clock;
use futures_util::FutureExt;
use metrics::counter;
use telemetry::panic_message;

use crate::{CallError, CallResult, Finished, Job, Outcome, Perform, Policy, Request, breaker::Permit};

/// When a stored request that this program cannot read is looked at again.
const RETRY_UNREADABLE: TimeDelta = TimeDelta::hours(1);

pub(crate) async fn perform<R: Request, P: Perform<R>, I: From<Outcome<R>>>(
    performer: Arc<P>,
    provider: &'static str,
    permit: Permit,
    policy: Policy,
    clock: Clock,
    mut job: Job,
) -> Finished<I> {
    let request: Arc<R> = match serde_json::from_str(&job.request.request) {
        Ok(request) => Arc::new(request),
        Err(error) => {
            let due = clock.now() + RETRY_UNREADABLE;
            return Finished::Later { job, error: format!("the stored request cannot be read: {error}"), due };
        }
    };
    let attempts = u32::try_from(job.request.attempts).unwrap_or_default() + 1;
    let age = clock.now() - job.request.requested_at;
    let is_key_expired = policy.key_valid_for.is_some_and(|valid| age > delta(valid));
    let (label, result) = if is_key_expired && attempts > 1 {
        let why = format!("requested {} hours ago: the provider may no longer know the key", age.num_hours());
        ("key_expired", CallResult::KeyExpired(why))
    } else {
        let result = call(performer, request.clone(), job.request.key.clone(), policy.timeout).await;
        permit.record(result.is_err());
        let label = match &result {
            Ok(_) => "answered",
            Err(CallError::Failed(_)) => "failed",
            Err(CallError::Unknown(_)) => "unknown",
        };
        let result = match result {
            Ok(answer) => CallResult::Answer(answer),
            Err(CallError::Unknown(detail)) if policy.unknown => CallResult::Unknown(detail),
            Err(error) if policy.attempts.is_some_and(|most| attempts >= most) => {
                CallResult::Exhausted(error.to_string())
            }
            Err(error) => {
                count::<R>(provider, label);
                let due = clock.now() + wait(&policy, attempts);
                job.request.attempts += 1;
                return Finished::Later { job, error: error.to_string(), due };
            }
        };
        (label, result)
    };
    count::<R>(provider, label);
    let request = Arc::into_inner(request).expect("the attempt is over");
    Finished::Outcome { job, input: Outcome { request, attempt: attempts, result }.into() }
}

fn count<R: Request>(provider: &'static str, result: &'static str) {
    counter!("uzon_effects_total", "provider" => provider, "effect" => R::NAME, "result" => result).increment(1);
}

async fn call<R: Request, P: Perform<R>>(
    performer: Arc<P>,
    request: Arc<R>,
    key: String,
    timeout: Duration,
) -> Result<R::Answer, CallError> {
    // The future is made inside, so that a panic before its first await is caught as well.
    let call = async { performer.perform(&request, &key).await };
    match tokio::time::timeout(timeout, AssertUnwindSafe(call).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(CallError::Unknown(panic_message(&*panic))), // the call may have been made
        Err(_) => Err(CallError::Unknown(format!("no answer within {timeout:?}"))),
    }
}

/// The wait before the next attempt. It doubles with each failed attempt up to `longest_wait`, with full jitter.
fn wait(policy: &Policy, attempts: u32) -> TimeDelta {
    let first = u64::try_from(policy.first_wait.as_millis()).unwrap_or(u64::MAX).max(1);
    // `from_millis(b)` is b^n, so 2^n times a factor.
    let waits = tokio_retry::strategy::ExponentialBackoff::from_millis(2)
        .factor(first.div_ceil(2))
        .max_delay(policy.longest_wait)
        .map(tokio_retry::strategy::jitter);
    let nth = usize::try_from(attempts.saturating_sub(1).min(40)).unwrap_or(40);
    let wait = waits.into_iter().nth(nth).unwrap_or(policy.longest_wait);
    // Full jitter may be next to nothing: at least a tenth, so that a failing provider is not flooded.
    delta(wait.max(policy.first_wait / 10))
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
