//! Performs the requests of a participant: those just committed, and those that are due. Their results become inputs.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use clock::Clock;
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use store::Db;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::tables::effect;
use crate::{
    Breaker, Outcome, Perform, Policy, Request, attempt,
    batch::Place,
    breaker::{BreakerPolicy, Permit},
    dispatch::Load,
    intake::Intake,
    ownership::Ownership,
    places::Places,
};

/// A request that this process performs.
#[derive(Debug, Clone)]
pub struct Job {
    pub request: effect::Model,
    /// `None`: it has a row of its own.
    pub place: Option<Place>,
}

impl From<effect::Model> for Job {
    fn from(request: effect::Model) -> Self {
        Self { request, place: None }
    }
}

/// The end of an attempt: an input of the participant, or why there is none yet.
pub enum Finished<I> {
    /// The decision about it settles the request.
    Outcome { job: Job, input: I },
    /// To be tried again at `due`.
    Later { job: Job, error: String, due: DateTime<Utc> },
}

type Performer<I> = Box<dyn Fn(Job, Permit, Clock) -> BoxFuture<'static, Finished<I>> + Send + Sync>;

/// How requests of one name are performed.
struct Kind<I> {
    perform: Performer<I>,
    policy: Policy,
    provider: &'static str,
}

/// The kinds of requests that a participant makes, and the providers that perform them.
pub struct Worker<I> {
    kinds: HashMap<&'static str, Kind<I>>,
    breakers: HashMap<&'static str, Breaker>,
}

/// What a worker runs with.
pub struct WorkerContext {
    pub db: Db,
    pub clock: Clock,
    pub ownership: Ownership,
    pub load: Load,
    /// Calls to one provider at the same time, at most.
    pub concurrency: usize,
    pub poll_interval: Duration,
    pub stop: CancellationToken,
}

impl<I> Default for Worker<I> {
    fn default() -> Self {
        Self { kinds: HashMap::new(), breakers: HashMap::new() }
    }
}

impl<I: Send + 'static> Worker<I> {
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    pub fn names(&self) -> BTreeSet<&'static str> {
        self.kinds.keys().copied().collect()
    }

    pub fn add<R: Request>(&mut self, policy: Policy, breaker: Breaker, performer: impl Perform<R>)
    where
        I: From<Outcome<R>>,
    {
        let (performer, provider) = (Arc::new(performer), breaker.name());
        let perform: Performer<I> = Box::new(move |job, permit, clock| {
            Box::pin(attempt::perform(performer.clone(), provider, permit, policy, clock, job))
        });
        self.breakers.insert(provider, breaker);
        let before = self.kinds.insert(R::NAME, Kind { perform, policy, provider });
        assert!(before.is_none(), "two performers for {}", R::NAME);
    }

    pub fn configure(&self, policy: BreakerPolicy) {
        self.breakers.values().for_each(|breaker| breaker.configure(policy));
    }

    /// Performs until the process shuts down; then finishes the calls in progress.
    pub async fn run(
        self,
        context: WorkerContext,
        jobs: mpsc::UnboundedSender<Vec<Job>>,
        dispatched: mpsc::UnboundedReceiver<Vec<Job>>,
        finished: mpsc::UnboundedSender<Finished<I>>,
    ) {
        let queries = self.kinds.iter().filter(|(_, kind)| kind.policy.is_query).map(|(name, _)| *name).collect();
        let intake = Intake {
            db: context.db.clone(),
            clock: context.clock.clone(),
            ownership: context.ownership.clone(),
            load: context.load.clone(),
            names: self.names(),
            queries,
            max_retries: context.concurrency.max(1) * self.breakers.len(),
            jobs,
        };
        let intake = intake.run(context.poll_interval, context.stop.clone());
        tokio::join!(intake, self.call(context, dispatched, finished));
    }

    async fn call(
        self,
        context: WorkerContext,
        mut dispatched: mpsc::UnboundedReceiver<Vec<Job>>,
        finished: mpsc::UnboundedSender<Finished<I>>,
    ) {
        let WorkerContext { clock, mut ownership, load, concurrency, stop, .. } = context;
        let provider = |(name, breaker): (&&'static str, &Breaker)| (*name, Places::new(breaker.clone(), concurrency));
        let mut providers: HashMap<&'static str, Places> = self.breakers.iter().map(provider).collect();
        let mut in_progress = FuturesUnordered::new();
        loop {
            let mut wake: Option<Instant> = None;
            for (name, places) in providers.iter_mut().filter(|_| ownership.is_confirmed()) {
                match places.next(Instant::now(), ownership.process(), &load) {
                    Ok(ready) => {
                        for (job, is_retry, permit) in ready {
                            let kind = &self.kinds[&*job.request.name];
                            let call = (kind.perform)(job, permit, clock.clone());
                            let name = *name;
                            in_progress.push(async move { (name, is_retry, call.await) });
                        }
                    }
                    Err(open_until) => wake = wake.into_iter().chain(open_until).min(),
                }
            }
            tokio::select! {
                biased;
                Some((provider, is_retry, done)) = in_progress.next() => {
                    load.remove(is_retry);
                    if let Some(places) = providers.get_mut(provider) {
                        places.leave(is_retry);
                    }
                    drop(finished.send(done));
                }
                Some(jobs) = dispatched.recv() => {
                    for job in jobs {
                        let Some(kind) = self.kinds.get(&*job.request.name) else {
                            warn!(effect = job.request.name, "no performer for this request; it stays");
                            load.remove(false);
                            continue;
                        };
                        let is_retry = kind.policy.is_retry(&job.request);
                        if is_retry {
                            load.add_retry();
                        }
                        if let Some(places) = providers.get_mut(kind.provider) {
                            places.wait(job, is_retry);
                        }
                    }
                }
                () = stop.cancelled() => break,
                () = ownership.changed() => {}
                () = async { sleep_until(wake.unwrap_or_else(Instant::now)).await }, if wake.is_some() => {}
            }
        }
        // Waiting jobs are freed with the ownership of this process. Calls in progress are finished, so that their answer is known.
        while let Some((_, _, done)) = in_progress.next().await {
            drop(finished.send(done));
        }
    }
}
