//! Takes requests that are due from the database: retries, the requests of processes that are gone, and those that were too
//! many for the memory of a process.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use clock::Clock;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait as _, LockBehavior, LockType},
};
use store::{Db, StoreError, Tx};
use telemetry::error_chain;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use crate::tables::effect;
use crate::{
    Job, batch,
    dispatch::Load,
    ownership::{OWNED_DUE, Ownership},
};

pub(crate) struct Intake {
    pub db: Db,
    pub clock: Clock,
    pub ownership: Ownership,
    pub load: Load,
    /// The requests that the worker performs …
    pub names: BTreeSet<&'static str>,
    /// … and those of them that ask for an outcome that is unknown.
    pub queries: BTreeSet<&'static str>,
    /// Retries in memory, at most.
    pub max_retries: usize,
    pub jobs: mpsc::UnboundedSender<Vec<Job>>,
}

impl Intake {
    pub async fn run(self, poll_interval: Duration, stop: CancellationToken) {
        let mut poll = interval(poll_interval);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! { () = stop.cancelled() => return, _ = poll.tick() => {} }
            if !self.ownership.is_confirmed() {
                continue;
            }
            match self.take().await {
                Ok(true) => poll.reset_immediately(),
                Ok(false) => {}
                Err(error) => warn!(error = error_chain(&error), "due requests cannot be taken now"),
            }
        }
    }

    /// Whether there may be more.
    async fn take(&self) -> Result<bool, StoreError> {
        let is_retry = || {
            let has_failed = Condition::any().add(effect::Column::Attempts.gt(0));
            // (An empty list is no SQL that every engine takes.)
            let names = (!self.queries.is_empty()).then(|| effect::Column::Name.is_in(self.queries.iter().copied()));
            names.into_iter().fold(has_failed, Condition::add)
        };
        let mut has_more = false;
        let retries = self.max_retries.saturating_sub(self.load.retries());
        self.take_rows(is_retry(), retries).await?; // more of them not before the worker has counted these
        if self.load.is_low() {
            has_more |= self.take_rows(is_retry().not(), self.load.places()).await?;
        }
        if self.load.is_low()
            && let Some(jobs) = batch::take(&self.db, self.clock.now(), &self.ownership, &self.names).await?
        {
            has_more = true;
            self.dispatch(jobs);
        }
        Ok(has_more)
    }

    /// Whether there may be more.
    async fn take_rows(&self, which: Condition, most: usize) -> Result<bool, StoreError> {
        if most == 0 {
            return Ok(false);
        }
        let jobs = self.own(which, self.clock.now(), self.ownership.process(), most).await?;
        let is_full = jobs.len() == most;
        self.dispatch(jobs);
        Ok(is_full)
    }

    fn dispatch(&self, jobs: Vec<Job>) {
        if !jobs.is_empty() {
            self.load.add(jobs.len());
            drop(self.jobs.send(jobs)); // when the worker has stopped, the next process takes them
        }
    }

    /// Takes requests that are due, under a new epoch.
    async fn own(
        &self,
        which: Condition,
        now: DateTime<Utc>,
        owner: Uuid,
        most: usize,
    ) -> Result<Vec<Job>, StoreError> {
        let due = || {
            effect::Entity::find()
                .filter(effect::Column::Due.lte(now))
                .filter(effect::Column::Owner.is_null())
                .filter(effect::Column::Name.is_in(self.names.iter().copied()))
                .filter(which.clone())
                .order_by_asc(effect::Column::Due)
                .limit(most as u64)
        };
        if due().limit(1).one(self.db.writer()).await?.is_none() {
            return Ok(vec![]);
        }
        let tx = self.db.begin().await?;
        // Rows that another process is taking at this moment are skipped. (SQLite locks no rows: there is one process.)
        let due = due().lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        let mut requests = tx.all(due).await?;
        let until = now + OWNED_DUE;
        save_owner(&tx, requests.iter().map(|it| &*it.key).collect(), owner, until).await?;
        for it in &mut requests {
            (it.epoch, it.due, it.leased, it.owner) = (it.epoch + 1, until, true, Some(owner));
        }
        let jobs: Vec<_> = requests.into_iter().map(Job::from).collect();
        if let Err(error) = tx.commit().await {
            self.ownership.give_back(jobs);
            return Err(error);
        }
        Ok(jobs)
    }
}

/// Takes these rows, which are locked.
async fn save_owner(tx: &Tx, mut keys: Vec<&str>, owner: Uuid, until: DateTime<Utc>) -> Result<(), StoreError> {
    let Some(last) = keys.last().copied() else { return Ok(()) };
    keys.resize(keys.len().next_power_of_two(), last); // few sizes of one statement, like all others
    let update = effect::Entity::update_many()
        .col_expr(effect::Column::Epoch, Expr::col(effect::Column::Epoch).add(1))
        .col_expr(effect::Column::Owner, Expr::value(owner))
        .col_expr(effect::Column::Due, Expr::value(until))
        .col_expr(effect::Column::Leased, Expr::value(true))
        .filter(effect::Column::Key.is_in(keys));
    tx.write(update).await
}
