//! How many orders are complete by now, and what the system uses meanwhile.

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

/// Between two looks. A look costs the system some milliseconds.
const EACH: Duration = Duration::from_millis(250);
/// A system that completes nothing for so long is stuck.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// Followed in the background, from the beginning of a phase.
#[derive(Debug)]
pub struct Progress {
    client: Client,
    processes: Vec<SocketAddr>,
    /// Figures count from here.
    since: String,
    /// Orders that had ended when the phase began.
    before: u64,
    backlog: u64,
    ended: AtomicU64,
    samples: Mutex<Vec<(Instant, u64)>>,
}

impl Progress {
    /// From now on.
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

    /// Looks again and again until aborted.
    pub fn follow(self: &Arc<Self>) -> JoinHandle<()> {
        let progress = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let _ = progress.look().await; // overloaded for a moment: the next look tells
                sleep(EACH).await;
            }
        })
    }

    async fn look(&self) -> Result<u64, CheckError> {
        let ended = ended(&self.client, &self.since).await?.saturating_sub(self.before);
        self.ended.store(ended, Ordering::Relaxed);
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), ended));
        Ok(ended)
    }

    /// Whether there are too many orders that are not complete.
    pub fn holds_back(&self, accepted: u64) -> bool {
        accepted.saturating_sub(self.ended.load(Ordering::Relaxed)) > self.backlog
    }

    /// Waits until so many are complete: counted by analytics, everybody told, nothing left to publish.
    pub async fn complete(&self, accepted: u64) -> Result<Instant, CheckError> {
        let (mut most, mut since) = (0, Instant::now());
        loop {
            let ended = self.look().await?;
            if ended >= accepted {
                break;
            }
            if ended > most {
                (most, since) = (ended, Instant::now());
            }
            if since.elapsed() > WAIT_TIMEOUT {
                let moving = format!("{ended} of {accepted} orders are complete");
                return Err(CheckError::Restless { seconds: WAIT_TIMEOUT.as_secs(), moving });
            }
            sleep(Duration::from_millis(50)).await;
        }
        let depth = Depth::Whole { closely: 0, processes: &self.processes };
        settle(&self.client, &History::default(), depth).await?;
        Ok(Instant::now())
    }

    /// When this share of them was complete, by straight lines between looks.
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
