//! From the deciding transaction to the worker.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use crate::tables::effect;
use crate::{
    Job,
    ownership::{OWNED_DUE, Ownership},
};

/// Makes requests the jobs of this process and hands them to its worker.
#[derive(Clone)]
pub struct Effects {
    pub jobs: mpsc::UnboundedSender<Vec<Job>>,
    pub ownership: Ownership,
    /// The requests that the worker performs.
    pub names: Arc<BTreeSet<&'static str>>,
    pub load: Load,
}

/// How much work is in the memory of this process.
#[derive(Debug, Clone)]
pub struct Load {
    jobs: Arc<AtomicUsize>,
    retries: Arc<AtomicUsize>,
    /// Jobs that may be taken, at most; the requests beyond stay in the table.
    max: usize,
}

/// Requests that are due now.
pub struct DueNow {
    pub owned: Vec<effect::Model>,
    /// Not for this process, or more than it can take at present.
    pub others: Vec<effect::Model>,
}

impl Effects {
    /// Takes the requests that are due now out of `requests`.
    pub fn take_due(&self, requests: &mut Vec<effect::Model>, now: DateTime<Utc>) -> DueNow {
        let due: Vec<_> = requests.extract_if(.., |request| request.due <= now).collect();
        let (mut places, process) = (self.load.places(), self.ownership.process());
        let (mut owned, others): (Vec<_>, Vec<_>) = due.into_iter().partition(|request| {
            let is_ours = places > 0 && self.names.contains(&*request.name);
            places -= usize::from(is_ours);
            is_ours
        });
        for request in &mut owned {
            (request.due, request.leased, request.owner) = (now + OWNED_DUE, true, Some(process));
        }
        DueNow { owned, others }
    }

    pub fn dispatch(&self, jobs: Vec<Job>) {
        if !jobs.is_empty() {
            self.load.add(jobs.len());
            drop(self.jobs.send(jobs)); // when the worker has stopped, the next process takes them
        }
    }
}

impl Load {
    pub fn new(max: usize) -> Self {
        Self { jobs: Arc::default(), retries: Arc::default(), max }
    }

    /// Jobs are on their way to the worker.
    pub fn add(&self, jobs: usize) {
        self.jobs.fetch_add(jobs, Ordering::Relaxed);
    }

    /// The worker has received a retry.
    pub fn add_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub fn remove(&self, is_retry: bool) {
        self.jobs.fetch_sub(1, Ordering::Relaxed);
        self.retries.fetch_sub(usize::from(is_retry), Ordering::Relaxed);
    }

    /// Jobs that may still be taken.
    pub fn places(&self) -> usize {
        self.max.saturating_sub(self.jobs.load(Ordering::Relaxed))
    }

    /// Whether it is worth a query to take jobs from the table: half of the places are free.
    pub fn is_low(&self) -> bool {
        self.places() > self.max / 2
    }

    pub fn retries(&self) -> usize {
        self.retries.load(Ordering::Relaxed)
    }
}
