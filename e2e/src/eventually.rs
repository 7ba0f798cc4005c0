//! Waiting for something to become true, without a sleep that is always too long or too short.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use tokio::time::sleep;

/// How long anything in a scenario may take before it counts as never. Generous: it is only waited out by a failure, and
/// a machine that is busy with something else for a second makes calls time out until a circuit breaker opens.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(100);

/// Asks again and again until `probe` answers `Ok`; the last `Err` says what was still missing when patience ended.
pub async fn within<T, E>(patience: Duration, mut probe: impl AsyncFnMut() -> Result<T, E>) -> Result<T, E> {
    let end = Instant::now() + patience;
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

/// The same for scenarios: panics with what was waited for and what was seen last.
pub async fn eventually<T, E: Display>(what: &str, probe: impl AsyncFnMut() -> Result<T, E>) -> T {
    match within(WAIT_TIMEOUT, probe).await {
        Ok(found) => found,
        Err(missing) => panic!("{what}: not within {} s; at last: {missing}", WAIT_TIMEOUT.as_secs()),
    }
}
