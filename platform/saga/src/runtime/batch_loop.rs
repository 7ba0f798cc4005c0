//! Gathers whatever waits into a batch, and has it decided.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use effects::{Finished, Job};
use metrics::{counter, histogram};
use telemetry::{Trace, error_chain};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tracing::{error, warn};

use super::{Deferred, Item, MAX_BACKOFF, Runtime};
use crate::{
    Delivery, InputSource, Participant, Stopped, Subscriptions,
    backoff::Backoff,
    dead_letter::queues::{Head, ParkedQueues},
    source::{
        Source,
        consumer::PolledBatch,
        event,
        outcome::{OutcomeSource, Rescheduled},
        parked,
        reminder::DueReminders,
    },
};

pub(super) struct BatchLoop<P: Participant> {
    pub runtime: Runtime<P>,
    pub subscriptions: Arc<Subscriptions>,
    /// Inputs in one transaction, at most.
    pub max_batch: usize,
    /// Minimum interval between the starts of small batches.
    pub linger: Duration,
    /// How often due reminders and parked records are looked for.
    pub poll_interval: Duration,
    pub commands: mpsc::Receiver<Item<P::Input>>,
    pub polled: mpsc::Receiver<PolledBatch<P::Input>>,
    pub finished: mpsc::UnboundedReceiver<Finished<P::Input>>,
    pub reminders: DueReminders,
    /// Reminders that are due.
    pub due: VecDeque<Item<P::Input>>,
}

/// What one batch is made of.
struct Gathered<I> {
    items: Vec<Item<I>>,
    finished: Vec<Finished<I>>,
    polled: Option<PolledBatch<I>>,
}

impl<P: Participant> BatchLoop<P> {
    /// Works until the process shuts down and no source can bring anything more.
    pub async fn run(mut self) {
        if let Err(Stopped) = self.run_until_drained().await {
            warn!(
                service = self.runtime.config.service,
                "stopped while the database is unavailable: undecided inputs come again"
            );
        }
    }

    async fn run_until_drained(&mut self) -> Result<(), Stopped> {
        let stop = self.runtime.stop.clone();
        let mut poll = interval(self.poll_interval);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_closing = false;
        loop {
            let mut gathered = Gathered { items: vec![], finished: vec![], polled: None };
            tokio::select! {
                biased;
                _ = poll.tick(), if !is_closing => self.find_due().await?,
                Some(command) = self.commands.recv() => gathered.items.push(command), // a caller waits for its answer
                Some(one) = self.finished.recv() => gathered.finished.push(one),
                Some(polled) = self.polled.recv() => gathered.polled = Some(polled),
                () = stop.cancelled(), if !is_closing => {
                    is_closing = true;
                    self.commands.close(); // commands that are in the channel are still answered
                }
                else => return Ok(()),
            }
            // A caller that has just got its answer may send its next command at once: let it, before this batch is closed.
            tokio::task::yield_now().await;
            self.gather_more(&mut gathered);
            let begun = Instant::now();
            let is_small = self.is_small(&gathered);
            self.decide(gathered).await?;
            self.retry_parked().await?;
            if is_small && !self.linger.is_zero() {
                tokio::select! { () = sleep_until(begun + self.linger) => {} () = stop.cancelled() => {} }
            }
        }
    }

    /// Takes what else waits. Events keep half of the places whenever any wait.
    fn gather_more(&mut self, gathered: &mut Gathered<P::Input>) {
        if gathered.polled.is_none() {
            gathered.polled = self.polled.try_recv().ok();
        }
        let max_commands = if gathered.polled.is_some() { self.max_batch / 2 } else { self.max_batch };
        while gathered.items.len() < max_commands
            && let Ok(command) = self.commands.try_recv()
        {
            gathered.items.push(command);
        }
        while gathered.finished.len() < self.max_batch
            && let Ok(one) = self.finished.try_recv()
        {
            gathered.finished.push(one);
        }
        gathered.items.extend(self.due.drain(..));
    }

    fn is_small(&self, gathered: &Gathered<P::Input>) -> bool {
        let polled = gathered.polled.as_ref();
        let is_behind = polled.is_some_and(|polled| polled.has_more);
        let inputs = gathered.items.len() + gathered.finished.len() + polled.map_or(0, PolledBatch::len);
        !is_behind && (1..self.max_batch / 2).contains(&inputs)
    }

    async fn decide(&mut self, gathered: Gathered<P::Input>) -> Result<(), Stopped> {
        let Gathered { mut items, finished, mut polled } = gathered;
        let mut rescheduled = Vec::new();
        for one in finished {
            match one {
                Finished::Outcome { job, input } => items.push(self.outcome(job, input)),
                Finished::Later { job, error, due } => rescheduled.push(Rescheduled { job, error, due }),
            }
        }
        if !rescheduled.is_empty() {
            self.runtime.retry_until_committed(&Deferred::Reschedule(rescheduled)).await?;
        }
        if let Some(assigned) = polled.as_mut().and_then(|polled| polled.assigned.take()) {
            self.load_parked(&assigned).await?;
        }
        let (decoded, done) = polled.map(PolledBatch::open).unzip();
        for record in decoded.unwrap_or_default() {
            match record {
                Ok(item) => items.push(item),
                Err((record, why)) => {
                    // The records before it go first.
                    self.process(std::mem::take(&mut items)).await?;
                    self.dead_letter(&record, &why).await?;
                }
            }
        }
        self.process(items).await?;
        if let Some(done) = done {
            let _ = done.send(()); // a consumer that has ended does not wait for it
        }
        Ok(())
    }

    fn outcome(&self, job: Job, input: P::Input) -> Item<P::Input> {
        let clock = &self.runtime.config.clock;
        let delivery = Delivery {
            id: clock.new_id(),
            source: InputSource::Outcome,
            key: job.request.about,
            cause: job.request.cause,
            at: clock.now(),
            sequence: 0,
            trace: Trace::parse(job.request.trace.as_bytes()).unwrap_or_default(),
            input,
        };
        Item::new(delivery, Source::Outcome(OutcomeSource { job }))
    }

    async fn process(&mut self, items: Vec<Item<P::Input>>) -> Result<(), Stopped> {
        if items.is_empty() {
            return Ok(());
        }
        let (service, begun) = (self.runtime.config.service, std::time::Instant::now());
        counter!("uzon_deliveries_total", "service" => service).increment(items.len() as u64);
        let size = u32::try_from(items.len()).unwrap_or(u32::MAX);
        histogram!("uzon_batch_size", "service" => service).record(f64::from(size));
        let processed = self.runtime.process(items).await;
        histogram!("uzon_batch_seconds", "service" => service).record(begun.elapsed().as_secs_f64());
        processed
    }

    /// A record that cannot be decoded.
    async fn dead_letter(&mut self, record: &bus::Record, why: &str) -> Result<(), Stopped> {
        let runtime = &mut self.runtime;
        error!(service = runtime.config.service, topic = %record.topic, partition = record.partition, offset = record.offset, error = why, "a record cannot be decoded and becomes a dead letter");
        let deferred = event::undecodable(record, why, &runtime.config);
        let written = runtime.retry_until_committed(&deferred).await;
        if let Deferred::Park(changes) = deferred {
            for row in changes.changed {
                let queue = row.queue();
                if !runtime.parked.blocks(&queue) {
                    runtime.parked.set(queue, Head::Dead);
                }
            }
        }
        written
    }

    /// The assigned partitions have changed: load the parked records of those that are assigned now.
    async fn load_parked(&mut self, assigned: &std::collections::BTreeSet<bus::Partition>) -> Result<(), Stopped> {
        let runtime = &mut self.runtime;
        let mut backoff = Backoff::new(MAX_BACKOFF, &runtime.stop);
        loop {
            match ParkedQueues::load(&runtime.db, runtime.config.participant, assigned).await {
                Ok(parked) => {
                    runtime.parked = parked;
                    return Ok(());
                }
                Err(error) => runtime.unavailable(&error, &mut backoff).await?,
            }
        }
    }

    /// Finds the reminders and the parked records that are due.
    async fn find_due(&mut self) -> Result<(), Stopped> {
        let now = self.runtime.config.clock.now();
        match self.reminders.find(&self.runtime.db, now, self.max_batch).await {
            Ok(found) => {
                self.due.extend(found.items);
                for postponed in found.unreadable {
                    self.runtime.retry_until_committed(&Deferred::Postpone(postponed)).await?;
                }
            }
            Err(error) => warn!(error = error_chain(&error), "reminders cannot be read now"),
        }
        self.retry_parked().await
    }

    /// Decides about the parked records that are due, and the records behind them.
    async fn retry_parked(&mut self) -> Result<(), Stopped> {
        let Runtime { db, config, parked: queues, .. } = &mut self.runtime;
        if queues.is_empty() {
            return Ok(());
        }
        match parked::due::<P>(db, config, &self.subscriptions, queues).await {
            Ok(items) => self.process(items).await,
            Err(error) => {
                warn!(error = error_chain(&error), "parked records cannot be read now");
                Ok(())
            }
        }
    }
}
