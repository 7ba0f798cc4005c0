//! The one way to wait before something is tried again.

use std::time::Duration;

use tokio::time::sleep;
use tokio_retry::strategy::ExponentialBackoff;
use tokio_util::sync::CancellationToken;

/// The process shuts down: what was being tried is left for the next process, which finds it in the database or the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the process is shutting down")]
pub struct Stopped;

/// Exponential waits from 50 ms, with jitter (half of the wait to all of it).
#[derive(Debug)]
pub(crate) struct Backoff {
    delays: ExponentialBackoff,
    max: Duration,
    failures: u32,
    stop: CancellationToken,
}

impl Backoff {
    pub fn new(max: Duration, stop: &CancellationToken) -> Self {
        Self { delays: delays(max), max, failures: 0, stop: stop.clone() }
    }

    /// Counts a failure and waits. A shutdown ends the wait early, so that there is one more try.
    ///
    /// # Errors
    /// `Stopped` when the shutdown had begun before: that try was the last.
    pub async fn wait(&mut self) -> Result<(), Stopped> {
        if self.stop.is_cancelled() {
            return Err(Stopped);
        }
        self.failures += 1;
        let delay = self.delays.next().unwrap_or(self.max).mul_f64(rand::random_range(0.5..=1.0));
        tokio::select! { () = sleep(delay) => {} () = self.stop.cancelled() => {} }
        Ok(())
    }

    /// Whether nothing has failed since the last success: the failure that is about to be counted is worth a log line.
    pub fn is_fresh(&self) -> bool {
        self.failures == 0
    }

    /// It has succeeded: the next wait is the shortest again.
    pub fn reset(&mut self) {
        if self.failures > 0 {
            (self.delays, self.failures) = (delays(self.max), 0);
        }
    }
}

fn delays(max: Duration) -> ExponentialBackoff {
    // `from_millis(2)` yields 2^n: 50 ms, 100 ms, 200 ms …
    ExponentialBackoff::from_millis(2).factor(25).max_delay(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_longer_after_each_failure_and_starts_over_after_a_success() {
        let stop = CancellationToken::new();
        let mut backoff = Backoff::new(Duration::from_millis(200), &stop);
        for longest in [50, 100, 200, 200] {
            let begun = tokio::time::Instant::now();
            backoff.wait().await.unwrap();
            let waited = begun.elapsed();
            let longest = Duration::from_millis(longest);
            assert!(waited >= longest / 2 && waited <= longest + Duration::from_millis(1), "{waited:?} of {longest:?}");
        }
        assert!(!backoff.is_fresh());
        backoff.reset();
        assert!(backoff.is_fresh());
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_allows_one_more_try() {
        let stop = CancellationToken::new();
        let mut backoff = Backoff::new(Duration::from_hours(1), &stop);
        let cancel = async { stop.cancel() };
        assert_eq!(tokio::join!(backoff.wait(), cancel).0, Ok(()));
        assert_eq!(backoff.wait().await, Err(Stopped));
    }
}
