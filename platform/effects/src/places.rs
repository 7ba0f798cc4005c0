//! The places of one provider: how many calls to it are made at the same time, and which jobs are next.

use std::collections::VecDeque;

use tokio::time::Instant;
use uuid::Uuid;

use crate::{Breaker, Job, breaker::Permit, dispatch::Load};

/// A quarter of the places is for retries whenever any wait.
const RETRY_SHARE: usize = 4;

pub(crate) struct Places {
    breaker: Breaker,
    /// Calls at the same time, at most.
    concurrency: usize,
    fresh: Queue,
    retries: Queue,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    in_progress: usize,
}

impl Places {
    pub fn new(breaker: Breaker, concurrency: usize) -> Self {
        Self { breaker, concurrency: concurrency.max(1), fresh: Queue::default(), retries: Queue::default() }
    }

    pub fn wait(&mut self, job: Job, is_retry: bool) {
        self.queue(is_retry).waiting.push_back(job);
    }

    /// A call has ended.
    pub fn leave(&mut self, is_retry: bool) {
        self.queue(is_retry).in_progress -= 1;
    }

    /// The jobs that are to be performed now, with whether each is a retry. `Err`: the breaker is open, until then or until its
    /// trial call has ended.
    pub fn next(
        &mut self,
        now: Instant,
        owner: Uuid,
        load: &Load,
    ) -> Result<Vec<(Job, bool, Permit)>, Option<Instant>> {
        let mut next = vec![];
        while let Some(is_retry) = self.choose() {
            let permit = match self.breaker.admit(now) {
                Ok(permit) => permit,
                Err(_) if !next.is_empty() => break, // the trial call
                Err(until) => return Err(until),
            };
            let queue = self.queue(is_retry);
            let Some(job) = queue.waiting.pop_front() else { break };
            if job.request.owner != Some(owner) {
                load.remove(is_retry); // another process has taken it
                continue;
            }
            queue.in_progress += 1;
            next.push((job, is_retry, permit));
        }
        Ok(next)
    }

    /// Whether the next job is a retry; `None`: there is no job, or no place for it.
    fn choose(&self) -> Option<bool> {
        let free = self.concurrency.saturating_sub(self.fresh.in_progress + self.retries.in_progress);
        if free == 0 {
            return None;
        }
        let is_any_retry = !self.retries.waiting.is_empty();
        let reserved = if is_any_retry { (self.concurrency / RETRY_SHARE).max(1) } else { 0 };
        if !self.fresh.waiting.is_empty() && self.fresh.in_progress < self.concurrency - reserved {
            return Some(false);
        }
        is_any_retry.then_some(true)
    }

    fn queue(&mut self, is_retry: bool) -> &mut Queue {
        if is_retry { &mut self.retries } else { &mut self.fresh }
    }
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_n;

    use chrono::DateTime;

    use super::*;
    use crate::tables::effect;

    const OWNER: Uuid = Uuid::from_u128(1);

    fn job(owner: Uuid) -> Job {
        let request = effect::Model {
            key: "k".into(),
            epoch: 1,
            name: "Charge".into(),
            about: Uuid::nil(),
            request: "{}".into(),
            trace: String::new(),
            cause: None,
            requested_at: DateTime::UNIX_EPOCH,
            attempts: 0,
            error: None,
            due: DateTime::UNIX_EPOCH,
            leased: true,
            owner: Some(owner),
        };
        Job::from(request)
    }

    fn with(fresh: usize, retries: usize) -> (Places, Load) {
        let (mut places, load) = (Places::new(Breaker::new("provider"), 8), Load::new(100));
        for is_retry in repeat_n(false, fresh).chain(repeat_n(true, retries)) {
            places.wait(job(OWNER), is_retry);
        }
        load.add(fresh + retries);
        for _ in 0..retries {
            load.add_retry();
        }
        (places, load)
    }

    /// How many (fresh, retries) are begun.
    fn begin(places: &mut Places, load: &Load) -> (usize, usize) {
        let Ok(next) = places.next(Instant::now(), OWNER, load) else { return (0, 0) };
        let retries = next.iter().filter(|(_, is_retry, _)| *is_retry).count();
        let fresh = next.len() - retries;
        for (_, _, permit) in next {
            permit.record(false);
        }
        (fresh, retries)
    }

    #[test]
    fn a_quarter_is_for_retries_whenever_any_wait() {
        let (mut places, load) = with(20, 20);
        assert_eq!(begin(&mut places, &load), (6, 2));
        places.leave(false);
        assert_eq!(begin(&mut places, &load), (1, 0));
        places.leave(true);
        assert_eq!(begin(&mut places, &load), (0, 1));
    }

    #[test]
    fn without_the_others_each_has_all_places() {
        let (mut places, load) = with(20, 0);
        assert_eq!(begin(&mut places, &load), (8, 0));
        places.wait(job(OWNER), true);
        places.leave(false);
        assert_eq!(begin(&mut places, &load), (0, 1), "the first free place is for the retry");
        let (mut places, load) = with(0, 20);
        assert_eq!(begin(&mut places, &load), (0, 8));
    }

    #[test]
    fn jobs_that_another_process_has_taken_are_dropped() {
        let (mut places, load) = with(1, 0);
        places.wait(job(Uuid::from_u128(2)), false);
        load.add(1);
        assert_eq!(begin(&mut places, &load), (1, 0));
        load.remove(false);
        assert_eq!(load.places(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_breaker_is_open_jobs_wait_and_one_is_the_trial() {
        let (mut places, load) = with(20, 0);
        let next = places.next(Instant::now(), OWNER, &load).ok().unwrap();
        for (_, is_retry, permit) in next {
            permit.record(true);
            places.leave(is_retry);
        }
        let until = places.next(Instant::now(), OWNER, &load).err().unwrap().unwrap();
        tokio::time::sleep_until(until).await;
        let mut trial = places.next(Instant::now(), OWNER, &load).ok().unwrap();
        assert_eq!(trial.len(), 1);
        assert!(places.next(Instant::now(), OWNER, &load).is_err());
        trial.pop().unwrap().2.record(false);
        places.leave(false);
        assert_eq!(begin(&mut places, &load), (8, 0));
    }
}
