//! Waits for conditions by polling, instead of sleeping for fixed times.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use tokio::time::sleep;

/// Longest wait in a scenario. Generous, because only failures wait this long, and because a busy
/// machine makes calls time out until a circuit breaker opens.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(100);

/// Polls `probe` until it returns `Ok`. Returns the last `Err` when the time is over.
pub async fn within<T, E>(limit: Duration, mut probe: impl AsyncFnMut() -> Result<T, E>) -> Result<T, E> {
    let end = Instant::now() + limit;
    let mut pause = Duration::from_millis(2);
    loop {
        match probe().await {
            Ok(found) => return Ok(found),
            Err(missing) if Instant::now() >= end => return Err(missing),
            Err(_) => sleep(pause).await,
        }
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// [`within`] for scenarios: panics with `what` and the last `Err`.
pub async fn eventually<T, E: Display>(what: &str, probe: impl AsyncFnMut() -> Result<T, E>) -> T {
    match within(WAIT_TIMEOUT, probe).await {
        Ok(found) => found,
        Err(missing) => panic!("{what}: not within {} s; at last: {missing}", WAIT_TIMEOUT.as_secs()),
    }
}
