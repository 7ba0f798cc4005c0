//! A participant before it runs ([`ParticipantBuilder`]), and how its tasks are started.

use std::{
    any::{Any, TypeId},
    collections::VecDeque,
    sync::Arc,
    time::Duration,
};

use bus::Bus;
use clock::Clock;
use effects::{
    Breaker, BreakerPolicy, Effects, Load, Outcome, Perform, Policy, Request, Worker, WorkerContext,
    ownership::Ownership,
};
use futures_util::future::BoxFuture;
use store::Db;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Item, Runtime, RuntimeConfig, batch_loop::BatchLoop};
#[cfg(fault_injection)]
use crate::Fault;
use crate::{
    Participant, StartError, Subscriptions,
    dead_letter::{RetryPolicy, queues::ParkedQueues},
    inbox, outbox,
    source::{consumer::Consumer, reminder::DueReminders},
};

/// How participants run.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Inputs in one transaction, at most.
    pub batch: usize,
    pub retry: RetryPolicy,
    /// Calls to one provider at the same time.
    pub concurrency: usize,
    /// Of every provider.
    pub breaker: BreakerPolicy,
    /// How often a process shows that it lives; the others take over its requests after ten seconds without.
    pub heartbeat: Duration,
    /// How often due reminders, parked records and requests are looked for.
    pub poll_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch: 500,
            retry: RetryPolicy::default(),
            concurrency: 256,
            breaker: BreakerPolicy::default(),
            heartbeat: Duration::from_secs(1),
            poll_interval: Duration::from_millis(500),
        }
    }
}

/// What a participant is started with.
pub(crate) struct Context {
    pub service: &'static str,
    pub group: String,
    pub subscriptions: Subscriptions,
    pub db: Db,
    pub bus: Arc<dyn Bus>,
    pub clock: Clock,
    pub outbox: outbox::Sender,
    pub ownership: Ownership,
    pub settings: Settings,
    pub stop: CancellationToken,
}

/// A participant before it runs, whatever its types.
pub(crate) trait Registration: Send {
    fn participant(&self) -> TypeId;
    /// Whether it makes calls to the outside.
    fn has_effects(&self) -> bool;
    fn start(self: Box<Self>, context: Context) -> BoxFuture<'static, Result<Started, StartError>>;
}

/// A running participant, and the tasks that work for it: its sources, and its batch loop, which ends when they have.
pub(crate) struct Started {
    pub handle: Box<dyn Handle>,
    /// The topics that it subscribes to.
    pub topics: Vec<Arc<str>>,
    pub tasks: Vec<BoxFuture<'static, ()>>,
}

/// The way to a running participant, whatever its types.
pub(crate) trait Handle: Send + Sync {
    fn as_any(&self) -> &dyn Any;
}

/// Takes the commands of a participant.
pub(crate) struct ParticipantHandle<P: Participant> {
    pub commands: mpsc::Sender<Item<P::Input>>,
}

impl<P: Participant> Handle for ParticipantHandle<P> {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A participant, and who performs the calls that it requests.
pub struct ParticipantBuilder<P: Participant> {
    participant: P,
    worker: Worker<P::Input>,
    linger: Duration,
    #[cfg(fault_injection)]
    fault: Option<Fault>,
}

impl<P: Participant> ParticipantBuilder<P> {
    pub fn new(participant: P) -> Self {
        Self {
            participant,
            worker: Worker::default(),
            linger: Duration::ZERO,
            #[cfg(fault_injection)]
            fault: None,
        }
    }

    /// Requests of kind `R` are performed by `performer`, behind the breaker of its provider.
    #[must_use]
    pub fn performs<R: Request>(mut self, policy: Policy, breaker: &Breaker, performer: impl Perform<R>) -> Self
    where
        P::Input: From<Outcome<R>>,
    {
        self.worker.add(policy, breaker.clone(), performer);
        self
    }

    /// Runs without one of its safeguards, so that a test shows that somebody notices.
    #[cfg(fault_injection)]
    #[must_use]
    pub fn inject(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Minimum interval between the starts of small batches, so that more is decided at once. For participants that
    /// nobody waits for: the first input after a pause is decided at once, the ones after it, commands too, a little later.
    #[must_use]
    pub fn lingers(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }
}

impl<P: Participant> Registration for ParticipantBuilder<P> {
    fn participant(&self) -> TypeId {
        TypeId::of::<P>()
    }

    fn has_effects(&self) -> bool {
        !self.worker.is_empty()
    }

    fn start(self: Box<Self>, context: Context) -> BoxFuture<'static, Result<Started, StartError>> {
        Box::pin(async move {
            let Context { service, group, subscriptions, db, bus, clock, outbox, ownership, settings, stop } = context;
            let max_batch = settings.batch.max(2);
            // A command that finds no place is refused: the queue does not shrink with small batches.
            let (commands, commands_in) = mpsc::channel((4 * max_batch).max(1024));
            let (batches, batches_in) = mpsc::channel(1);
            let (finished, finished_in) = mpsc::unbounded_channel();
            let (jobs, jobs_in) = mpsc::unbounded_channel();

            let worker = self.worker;
            worker.configure(settings.breaker);
            let load = Load::new(16 * settings.concurrency.max(max_batch));
            let effects = Effects {
                jobs: jobs.clone(),
                ownership: ownership.clone(),
                names: Arc::new(worker.names()),
                load: load.clone(),
            };
            let config = RuntimeConfig {
                participant: P::NAME,
                has_inbox: !inbox::is_empty(&db).await?,
                service,
                clock: clock.clone(),
                retry: settings.retry,
                #[cfg(fault_injection)]
                fault: self.fault,
            };
            let runtime = Runtime {
                participant: self.participant,
                config,
                db: db.clone(),
                outbox,
                effects,
                parked: ParkedQueues::default(), // until partitions are assigned
                stop: stop.clone(),
            };
            let subscriptions = Arc::new(subscriptions);
            let batch_loop = BatchLoop {
                runtime,
                subscriptions: subscriptions.clone(),
                max_batch,
                linger: self.linger,
                poll_interval: settings.poll_interval,
                commands: commands_in,
                polled: batches_in,
                finished: finished_in,
                reminders: DueReminders::default(),
                due: VecDeque::new(),
            };
            let mut tasks: Vec<BoxFuture<'static, ()>> = vec![Box::pin(batch_loop.run())];
            if !worker.is_empty() {
                let context = WorkerContext {
                    db,
                    clock,
                    ownership,
                    load,
                    concurrency: settings.concurrency,
                    poll_interval: settings.poll_interval,
                    stop: stop.clone(),
                };
                tasks.push(Box::pin(worker.run(context, jobs, jobs_in, finished)));
            }
            let topics: Vec<Arc<str>> = subscriptions.topics().map(Arc::from).collect();
            if !topics.is_empty() {
                let subscription = bus.join(&group, &topics, self.linger).await?;
                let consumer = Consumer { subscription, subscriptions, max_batch, linger: self.linger, batches, stop };
                tasks.push(Box::pin(consumer.run::<P>()));
            }
            Ok(Started { handle: Box::new(ParticipantHandle::<P> { commands }), topics, tasks })
        })
    }
}
