//! Performs the requests of a participant: those just committed, and those that are due. Their results become inputs.

use std::{
    collections::{HashMap, VecDeque},
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use metrics::counter;
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockBehavior, LockType},
};
use store::{Db, StoreError, Tx};
use telemetry::panic_message;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    Breaker, CallError, CallResult, Outcome, Perform, Policy, Request,
    batch::{self, Place},
};
use crate::tables::effect;

/// A request that this process may perform until its lease ends.
#[derive(Debug, Clone)]
pub(crate) struct Job {
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
pub(crate) enum Finished<I> {
    /// The decision about it settles the request.
    Outcome { job: Job, input: I },
    /// To be tried again at `due`.
    Later { job: Job, error: String, due: DateTime<Utc> },
}

type Performer<I> = Box<dyn Fn(Job, Clock) -> BoxFuture<'static, Finished<I>> + Send + Sync>;

/// The kinds of requests that a participant makes, and how each is performed.
pub(crate) struct Worker<I> {
    kinds: HashMap<&'static str, (Performer<I>, Policy)>,
    /// Calls at the same time, at most.
    pub(crate) concurrency: usize,
    /// Jobs that are dispatched or being performed.
    pub(crate) load: Arc<AtomicUsize>,
}

impl<I> Default for Worker<I> {
    fn default() -> Self {
        Self { kinds: HashMap::new(), concurrency: 64, load: Arc::default() }
    }
}

impl<I: Send + 'static> Worker<I> {
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.keys().copied()
    }

    pub(crate) fn add<R: Request>(&mut self, policy: Policy, breaker: Breaker, performer: impl Perform<R>)
    where
        I: From<Outcome<R>>,
    {
        let performer = Arc::new(performer);
        let perform = move |job: Job, clock: Clock| -> BoxFuture<'static, Finished<I>> {
            Box::pin(perform(performer.clone(), breaker.clone(), policy, clock, job))
        };
        let before = self.kinds.insert(R::NAME, (Box::new(perform), policy));
        assert!(before.is_none(), "two performers for {}", R::NAME);
    }

    /// Whether it may adopt the batches of other processes.
    fn has_capacity(&self) -> bool {
        self.load.load(Ordering::Relaxed) < 4 * self.concurrency
    }

    /// How long a job may take before another process may take it.
    pub(crate) fn lease(&self, name: &str) -> TimeDelta {
        let timeout = self.kinds.get(name).map_or(Duration::from_secs(5), |(_, policy)| policy.timeout);
        TimeDelta::from_std(timeout + Duration::from_secs(3)).expect("minutes at most")
    }

    /// Performs until the process shuts down; then finishes the calls in progress.
    pub(crate) async fn run(
        self,
        db: Db,
        clock: Clock,
        poll_interval: Duration,
        mut dispatched: mpsc::UnboundedReceiver<Vec<Job>>,
        finished: mpsc::UnboundedSender<Finished<I>>,
        stop: CancellationToken,
    ) {
        let mut waiting: VecDeque<Job> = VecDeque::new();
        let mut in_progress = FuturesUnordered::new();
        let mut poll = tokio::time::interval(poll_interval);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut overdue_ticks = tokio::time::interval(2 * poll_interval); // leases are seconds
        overdue_ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            while in_progress.len() < self.concurrency
                && let Some(job) = waiting.pop_front()
            {
                if let Some((perform, _)) = self.kinds.get(&*job.request.name) {
                    in_progress.push(perform(job, clock.clone()));
                } else {
                    warn!(effect = job.request.name, "no performer for this request; it stays");
                    self.load.fetch_sub(1, Ordering::Relaxed);
                }
            }
            tokio::select! {
                biased;
                Some(done) = in_progress.next() => {
                    self.load.fetch_sub(1, Ordering::Relaxed);
                    drop(finished.send(done));
                }
                Some(jobs) = dispatched.recv() => waiting.extend(jobs),
                () = stop.cancelled() => break,
                // A worker with much to do keeps its waiting jobs although their lease is over: they are still to be performed.
                _ = overdue_ticks.tick(), if self.has_capacity() => {
                    match batch::unpack_overdue(&db, clock.now()).await {
                        Ok(true) => {
                            poll.reset_immediately();
                            overdue_ticks.reset_immediately(); // there may be more; but calls go on meanwhile
                        }
                        Ok(false) => {}
                        Err(error) => debug!(%error, "batches whose lease is over cannot be read now"),
                    }
                }
                _ = poll.tick() => {
                    let places = (4 * self.concurrency).saturating_sub(self.load.load(Ordering::Relaxed));
                    match self.take_due(&db, clock.now(), places).await {
                        Ok(jobs) => {
                            self.load.fetch_add(jobs.len(), Ordering::Relaxed);
                            waiting.extend(jobs);
                        }
                        Err(error) => debug!(%error, "due requests cannot be read now"),
                    }
                }
            }
        }
        // Waiting jobs keep their lease and are taken by the next process. Calls in progress are finished, so that their answer is known.
        while let Some(done) = in_progress.next().await {
            drop(finished.send(done));
        }
    }

    /// Takes requests that are due, under a new lease each.
    async fn take_due(&self, db: &Db, now: DateTime<Utc>, most: usize) -> Result<Vec<Job>, StoreError> {
        if most == 0 {
            return Ok(vec![]);
        }
        let due = || {
            effect::Entity::find()
                .filter(effect::Column::Due.lte(now))
                .filter(effect::Column::Name.is_in(self.names()))
                .order_by_asc(effect::Column::Due)
                .limit(most as u64)
        };
        if due().limit(1).one(db.reader()).await?.is_none() {
            return Ok(vec![]);
        }
        let tx = db.begin().await?;
        // Rows that another process is taking at this moment are skipped. (SQLite locks no rows: there is one process.)
        let due = due().lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        let mut requests = tx.all(due).await?;
        for name in self.names() {
            let keys = requests.iter().filter(|it| it.name == name).map(|it| &*it.key);
            let until = now + self.lease(name);
            lease(&tx, keys.collect(), until).await?;
            for it in requests.iter_mut().filter(|it| it.name == name) {
                (it.epoch, it.due, it.leased) = (it.epoch + 1, until, true);
            }
        }
        tx.commit().await?;
        Ok(requests.into_iter().map(Job::from).collect())
    }
}

/// Takes these rows, which are locked, until then.
async fn lease(tx: &Tx, mut keys: Vec<&str>, until: DateTime<Utc>) -> Result<(), StoreError> {
    use sea_orm::sea_query::ExprTrait as _;

    let Some(last) = keys.last().copied() else { return Ok(()) };
    keys.resize(keys.len().next_power_of_two(), last); // few sizes of one statement, like all others
    let update = effect::Entity::update_many()
        .col_expr(effect::Column::Epoch, Expr::col(effect::Column::Epoch).add(1))
        .col_expr(effect::Column::Due, Expr::value(until))
        .col_expr(effect::Column::Leased, Expr::value(true))
        .filter(effect::Column::Key.is_in(keys));
    tx.write(update).await
}

async fn perform<R: Request, P: Perform<R>, I: From<Outcome<R>>>(
    performer: Arc<P>,
    breaker: Breaker,
    policy: Policy,
    clock: Clock,
    job: Job,
) -> Finished<I> {
    let request: Arc<R> = match serde_json::from_str(&job.request.request) {
        Ok(request) => Arc::new(request),
        Err(error) => {
            let due = clock.now() + TimeDelta::hours(1);
            return Finished::Later { job, error: format!("the stored request cannot be read: {error}"), due };
        }
    };
    let attempt = attempt(performer, request.clone(), job.request.key.clone(), policy.timeout);
    let provider = breaker.name();
    let result = breaker.run(attempt).await;
    let label = match &result {
        None => "breaker_open",
        Some(Ok(_)) => "answered",
        Some(Err(CallError::Failed(_))) => "failed",
        Some(Err(CallError::Unknown(_))) => "unknown",
    };
    counter!("uzon_effects_total", "provider" => provider, "effect" => R::NAME, "result" => label).increment(1);

    let attempts = u32::try_from(job.request.attempts).unwrap_or_default() + 1;
    let result = match result {
        Some(Ok(answer)) => CallResult::Answer(answer),
        Some(Err(CallError::Unknown(detail))) if policy.unknown => CallResult::Unknown(detail),
        None => {
            // Not an attempt: nothing was sent.
            let due = clock.now() + TimeDelta::seconds(5);
            return Finished::Later { job, error: format!("the circuit breaker of {provider} is open"), due };
        }
        Some(Err(error)) if policy.attempts.is_some_and(|most| attempts >= most) => {
            CallResult::Exhausted(error.to_string())
        }
        Some(Err(error)) => {
            let due = clock.now() + wait(&policy, attempts);
            let mut job = job;
            job.request.attempts += 1;
            return Finished::Later { job, error: error.to_string(), due };
        }
    };
    let request = Arc::into_inner(request).expect("the attempt is over");
    let input = Outcome { request, attempt: attempts, result }.into();
    Finished::Outcome { job, input }
}

async fn attempt<R: Request, P: Perform<R>>(
    performer: Arc<P>,
    request: Arc<R>,
    key: String,
    timeout: Duration,
) -> Result<R::Answer, CallError> {
    // The future is made inside, so that a panic before its first await is caught as well.
    let call = async { performer.perform(&request, &key).await };
    match tokio::time::timeout(timeout, AssertUnwindSafe(call).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(CallError::Unknown(panic_message(&*panic))), // the call may have been made
        Err(_) => Err(CallError::Unknown(format!("no answer within {timeout:?}"))),
    }
}

/// The wait after so many failed attempts: exponential, with jitter, bounded.
fn wait(policy: &Policy, attempts: u32) -> TimeDelta {
    let first = u64::try_from(policy.first_wait.as_millis()).unwrap_or(u64::MAX).max(1);
    // `from_millis(b)` is b^n, so 2^n times a factor.
    let waits = tokio_retry::strategy::ExponentialBackoff::from_millis(2)
        .factor(first.div_ceil(2))
        .max_delay(policy.longest_wait)
        .map(tokio_retry::strategy::jitter);
    let nth = usize::try_from(attempts.saturating_sub(1).min(40)).unwrap_or(40);
    let wait = waits.into_iter().nth(nth).unwrap_or(policy.longest_wait);
    // Full jitter may be next to nothing: at least a tenth, so that a failing provider is not flooded.
    TimeDelta::from_std(wait.max(policy.first_wait / 10)).unwrap_or_else(|_| TimeDelta::minutes(1))
}
