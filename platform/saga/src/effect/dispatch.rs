//! From the deciding transaction to the worker.

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

/// Leases requests to this process and hands them to its worker.
#[derive(Clone)]
pub(crate) struct Effects {
    pub jobs: mpsc::UnboundedSender<Vec<Job>>,
    pub leases: Arc<BTreeMap<&'static str, TimeDelta>>,
    /// Jobs that are dispatched or being performed.
    pub load: Arc<AtomicUsize>,
    /// Jobs that may be dispatched, at most.
    pub max_load: usize,
}

impl Effects {
    /// Takes the requests that are due now and leases them to this process, as long as its worker has places. The others are
    /// stored without a lease and taken later.
    pub fn lease(&self, requests: &mut Vec<effect::Model>, now: DateTime<Utc>) -> Vec<effect::Model> {
        let mut places = self.max_load.saturating_sub(self.load.load(Ordering::Relaxed));
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

    pub fn dispatch(&self, jobs: Vec<Job>) {
        if !jobs.is_empty() {
            self.load.fetch_add(jobs.len(), Ordering::Relaxed);
            drop(self.jobs.send(jobs)); // when the worker has stopped, the next process takes them
        }
    }
}
