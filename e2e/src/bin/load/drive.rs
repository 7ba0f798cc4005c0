//! Sends requests at a fixed rate, or with a fixed number in flight.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use hyper::StatusCode;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::sleep,
};

use crate::{
    orders::{Done, Work},
    progress::Progress,
};

/// Counts of answers.
#[derive(Debug)]
pub struct Tally {
    /// Microseconds from the due time of a request (when saturating: from sending it) to its
    /// answer.
    pub latency: Histogram<u64>,
    /// Latencies of cancellations.
    pub cancel: Histogram<u64>,
    pub accepted: u64,
    pub refused: BTreeMap<StatusCode, u64>,
    pub broken: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { latency: histogram(), cancel: histogram(), accepted: 0, refused: BTreeMap::new(), broken: 0 }
    }
}

impl Tally {
    fn note(&mut self, done: Done, took: Duration) {
        match done {
            Done::Accepted => {
                self.accepted += 1;
                let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                self.latency.saturating_record(micros);
            }
            Done::Refused(status) => *self.refused.entry(status).or_default() += 1,
            Done::Broken => self.broken += 1,
        }
    }
}

/// A histogram of microseconds up to an hour, with an error of at most 0.1 %.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(3_600_000_000, 3).expect("a valid range")
}

type Shared = Arc<Mutex<Tally>>;

/// More requests in flight mean that the system has stalled.
const MAX_IN_FLIGHT: usize = 4000;

/// Sends requests at a fixed rate. Latencies count from the due times, so a stall of the system is
/// not hidden.
pub async fn at_rate(work: &Work, rate: f64, duration: Duration) -> Tally {
    let tally = Shared::default();
    let (send, mut due) = mpsc::unbounded_channel();
    // a thread of its own: the runtime's timer has a resolution of a millisecond and would cause
    // bursts
    let pacing = thread::spawn(move || pace(rate, duration, |at| send.send(at).is_ok()));
    let places = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    let mut running = JoinSet::new();
    while let Some(at) = due.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let (work, tally) = (work.clone(), Arc::clone(&tally));
        running.spawn(async move {
            once(&work, &tally, at).await;
            drop(place);
        });
        while running.try_join_next().is_some() {}
    }
    running.join_all().await;
    let _ = pacing.join();
    take(&tally)
}

/// Calls `arrive` at each due time, never earlier, until the time is over or `arrive` returns
/// `false`.
fn pace(rate: f64, duration: Duration, mut arrive: impl FnMut(Instant) -> bool) {
    let start = Instant::now();
    for number in 0_u32.. {
        let offset = Duration::from_secs_f64(f64::from(number) / rate);
        if offset >= duration {
            return;
        }
        let due = start + offset;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if !arrive(due) {
            return;
        }
    }
}

/// Keeps `in_flight` requests in flight, except while too many orders are not complete.
pub async fn saturating(work: &Work, in_flight: usize, until: Until, progress: &Arc<Progress>) -> Tally {
    let tally = Shared::default();
    let mut running = JoinSet::new();
    for _ in 0..in_flight {
        let (work, tally, progress) = (work.clone(), Arc::clone(&tally), Arc::clone(progress));
        running.spawn(async move {
            while !until.reached(&tally) {
                if progress.holds_back(lock(&tally).accepted) {
                    sleep(Duration::from_millis(2)).await;
                    continue;
                }
                if let Done::Refused(StatusCode::TOO_MANY_REQUESTS) = once(&work, &tally, Instant::now()).await {
                    sleep(Duration::from_millis(100)).await; // like a client that backs off, but shorter
                }
            }
        });
    }
    running.join_all().await;
    take(&tally)
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    Time(Instant),
    /// After this number of accepted requests, or after 1,000 calls without an answer.
    Accepted(u64),
}

impl Until {
    fn reached(self, tally: &Shared) -> bool {
        match self {
            Self::Time(end) => Instant::now() >= end,
            Self::Accepted(enough) => {
                let tally = lock(tally);
                tally.accepted >= enough || tally.broken > 1000
            }
        }
    }
}

async fn once(work: &Work, tally: &Shared, due: Instant) -> Done {
    let (done, next) = work.one().await;
    lock(tally).note(done, due.elapsed());
    if let Some(order) = next {
        let sent = Instant::now();
        work.cancel(order).await;
        let micros = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
        lock(tally).cancel.saturating_record(micros);
    }
    done
}

fn lock(tally: &Shared) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take(tally: &Shared) -> Tally {
    std::mem::take(&mut lock(tally))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::pace;

    #[test]
    fn nobody_arrives_early_and_nobody_is_left_out() {
        let mut due = Vec::new();
        pace(1000.0, Duration::from_millis(40), |at| {
            assert!(at <= Instant::now(), "a latency that counts from the future is too good to be true");
            due.push(at);
            true
        });
        assert_eq!(due.len(), 40);
        assert!(due.windows(2).all(|pair| pair[1] - pair[0] == Duration::from_millis(1)));
    }
}
