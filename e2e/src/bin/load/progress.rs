//! Follows how many orders are complete.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use e2e::{
    check::{CheckError, Depth, settle},
    client::Client,
    shop::History,
};
use tokio::{task::JoinHandle, time::sleep};

use crate::orders::ended;

/// Interval between polls. A poll costs the system some milliseconds.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Longest time without a completed order.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// Progress since the beginning of a phase. A background task updates it.
#[derive(Debug)]
pub struct Progress {
    client: Client,
    processes: Vec<SocketAddr>,
    /// Analytics counts orders from this time.
    since: String,
    /// Orders ended before the phase.
    before: u64,
    backlog: u64,
    ended: AtomicU64,
    samples: Mutex<Vec<(Instant, u64)>>,
}

impl Progress {
    /// Begins a phase.
    pub async fn begin(
        client: &Client,
        processes: &[SocketAddr],
        since: &str,
        backlog: u64,
    ) -> Result<Arc<Self>, CheckError> {
        let (client, processes, since) = (client.clone(), processes.to_vec(), since.to_owned());
        let before = ended(&client, &since).await?;
        let samples = Mutex::new(vec![(Instant::now(), 0)]);
        Ok(Arc::new(Self { client, processes, since, before, backlog, ended: AtomicU64::new(0), samples }))
    }

    /// Polls until aborted.
    pub fn follow(self: &Arc<Self>) -> JoinHandle<()> {
        let progress = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let _ = progress.poll().await; // a poll may fail under overload: the next one follows
                sleep(POLL_INTERVAL).await;
            }
        })
    }

    async fn poll(&self) -> Result<u64, CheckError> {
        let ended = ended(&self.client, &self.since).await?.saturating_sub(self.before);
        self.ended.store(ended, Ordering::Relaxed);
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), ended));
        Ok(ended)
    }

    /// Whether too many accepted orders are not complete.
    pub fn holds_back(&self, accepted: u64) -> bool {
        accepted.saturating_sub(self.ended.load(Ordering::Relaxed)) > self.backlog
    }

    /// Waits until this number of orders is complete: counted by analytics, all notifications sent,
    /// all events published.
    pub async fn complete(&self, accepted: u64) -> Result<Instant, CheckError> {
        let (mut most, mut since) = (0, Instant::now());
        loop {
            let ended = self.poll().await?;
            if ended >= accepted {
                break;
            }
            if ended > most {
                (most, since) = (ended, Instant::now());
            }
            if since.elapsed() > WAIT_TIMEOUT {
                let pending = format!("{ended} of {accepted} orders are complete");
                return Err(CheckError::NoProgress { seconds: WAIT_TIMEOUT.as_secs(), pending });
            }
            sleep(Duration::from_millis(50)).await;
        }
        let depth = Depth::Whole { closely: 0, processes: &self.processes };
        settle(&self.client, &History::default(), depth).await?;
        Ok(Instant::now())
    }

    /// Time at which this number of orders was complete, interpolated between polls.
    pub fn reached(&self, count: u64) -> Option<Instant> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let after = samples.iter().position(|(_, ended)| *ended >= count)?;
        let (end, reached) = samples[after];
        let Some(&(start, before)) = after.checked_sub(1).and_then(|index| samples.get(index)) else {
            return Some(end);
        };
        let steps = u32::try_from(reached - before).unwrap_or(u32::MAX).max(1);
        let wanted = u32::try_from(count - before).unwrap_or(u32::MAX);
        Some(start + (end - start).mul_f64(f64::from(wanted) / f64::from(steps)))
    }
}
