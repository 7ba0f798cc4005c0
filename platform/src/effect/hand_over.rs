//! From decisions to the worker.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;

use super::Job;
use crate::tables::effect;

/// The way from decisions to the worker that performs what they ask for.
#[derive(Clone)]
pub(crate) struct Effects {
    pub jobs: mpsc::UnboundedSender<Vec<Job>>,
    pub leases: Arc<BTreeMap<&'static str, TimeDelta>>,
    /// Jobs handed over or being performed.
    pub load: Arc<AtomicUsize>,
    pub most: usize,
}

impl Effects {
    /// Takes from these and leases to this process those that are due now, as long as its worker isn't swamped; the others
    /// are found later.
    pub(crate) fn lease(&self, requests: &mut Vec<effect::Model>, now: DateTime<Utc>) -> Vec<effect::Model> {
        let mut places = self.most.saturating_sub(self.load.load(Ordering::Relaxed));
        let ours = |request: &mut effect::Model| {
            let lease = self.leases.get(&*request.name).filter(|_| places > 0 && request.due <= now);
            if let Some(lease) = lease {
                places -= 1;
                (request.due, request.leased) = (now + *lease, true);
            }
            lease.is_some()
        };
        requests.extract_if(.., ours).collect()
    }

    pub(crate) fn hand_over(&self, jobs: Vec<Job>) {
        if !jobs.is_empty() {
            self.load.fetch_add(jobs.len(), Ordering::Relaxed);
            drop(self.jobs.send(jobs)); // a worker that has stopped leaves them to the next process
        }
    }
}
