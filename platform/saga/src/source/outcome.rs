//! Outcomes: what became of the calls to the outside that earlier decisions asked for.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use effects::{
    Job,
    batch::{self, Batches},
    tables::effect,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use store::{StoreError, Tx, bulk};
use uuid::Uuid;

use super::Source;
use crate::{
    Verdict,
    runtime::{BatchState, Deferred, Disposition, Item, RETRY_FAILED, RuntimeConfig},
    text::stored_error,
};

/// When an outcome that is held is looked at again.
const RETRY_HELD: TimeDelta = TimeDelta::seconds(1);

pub(crate) struct OutcomeSource {
    pub job: Job,
}

/// Which requests are still open. Late outcomes carry an old epoch and are discarded.
#[derive(Default)]
pub(crate) struct Lookup {
    batches: Batches,
    /// Requests with a row of their own, by key and epoch.
    open: HashSet<(String, i32)>,
}

/// What a batch writes about effect requests.
#[derive(Default)]
pub(crate) struct Writes {
    /// Key and epoch of requests whose outcome is decided.
    answered: BTreeMap<String, i32>,
    /// Those of them with a row of their own.
    settled: Vec<(String, i32)>,
    rescheduled: Vec<Rescheduled>,
}

/// A request that is to be tried again.
pub(crate) struct Rescheduled {
    pub job: Job,
    pub error: String,
    pub due: DateTime<Utc>,
}

impl Lookup {
    pub async fn load<I>(tx: &Tx, items: &[Item<I>]) -> Result<Self, StoreError> {
        let jobs: Vec<&Job> = items.iter().filter_map(|item| item.source.job()).collect();
        let batches = Batches::lock(tx, jobs.iter().filter_map(|job| job.place)).await?;
        let with_row = jobs.iter().filter(|job| job.place.is_none());
        let keys: Vec<_> = with_row.map(|job| (job.request.key.clone(), job.request.epoch)).collect();
        let rows = bulk::select::<effect::Entity>(tx, &keys, true).await?;
        Ok(Self { batches, open: rows.into_iter().map(|row| (row.key, row.epoch)).collect() })
    }

    /// Takes the request off the open ones; `false`: it was not open.
    fn settle(&mut self, job: &Job) -> bool {
        match job.place {
            Some(place) => self.batches.settle(place),
            None => self.open.remove(&(job.request.key.clone(), job.request.epoch)),
        }
    }

    /// Writes which requests of batches are settled.
    pub async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.batches.save(tx).await
    }
}

impl Source {
    fn job(&self) -> Option<&Job> {
        match self {
            Self::Outcome(source) => Some(&source.job),
            _ => None,
        }
    }
}

impl OutcomeSource {
    pub fn dedupe(&self, state: &mut BatchState<'_>) -> Option<Disposition> {
        (!state.dedup.outcomes.settle(&self.job)).then_some(Disposition::Repeated)
    }

    pub fn apply(&self, verdict: Verdict, state: &mut BatchState<'_>) -> Disposition {
        let writes = &mut state.writes.outcomes;
        if let Verdict::Hold(why) = &verdict {
            let (error, due) = ((*why).to_owned(), state.now + RETRY_HELD);
            writes.rescheduled.push(Rescheduled { job: self.job.clone(), error, due });
        } else {
            let effect::Model { key, epoch, .. } = &self.job.request;
            writes.answered.insert(key.clone(), *epoch);
            if self.job.place.is_none() {
                writes.settled.push((key.clone(), *epoch));
            }
        }
        Disposition::Decided(verdict)
    }

    /// The request is still stored: its call is made again, and its provider recognises the key.
    pub fn defer(&self, why: &str, config: &RuntimeConfig) -> Deferred {
        let due = config.clock.now() + RETRY_FAILED;
        Deferred::Reschedule(vec![Rescheduled { job: self.job.clone(), error: why.to_owned(), due }])
    }
}

impl Writes {
    /// A request that is asked for again by the decision about its outcome continues the epochs of the first one, so
    /// that a late outcome of the first is not taken for its own.
    pub fn continue_epochs(&self, requests: &mut [effect::Model]) {
        for request in requests {
            if let Some(epoch) = self.answered.get(&request.key) {
                request.epoch = epoch + 1;
            }
        }
    }

    pub async fn save(&self, tx: &Tx) -> Result<(), StoreError> {
        bulk::remove::<effect::Entity>(tx, &self.settled).await?;
        save_rescheduled(tx, self.rescheduled.iter()).await
    }
}

/// Requests that are to be tried again, unless they are settled meanwhile.
pub(crate) async fn reschedule(tx: &Tx, requests: &[Rescheduled]) -> Result<(), StoreError> {
    let mut batches = Batches::lock(tx, requests.iter().filter_map(|it| it.job.place)).await?;
    let open = requests.iter().filter(|it| it.job.place.is_none_or(|place| batches.settle(place)));
    save_rescheduled(tx, open).await?;
    batches.save(tx).await
}

/// Those that were in a batch, where they are settled now, get rows of their own.
async fn save_rescheduled(tx: &Tx, requests: impl Iterator<Item = &Rescheduled>) -> Result<(), StoreError> {
    let mut rows = vec![];
    for Rescheduled { job: Job { request, place }, error, due } in requests {
        if place.is_some() {
            let error = Some(stored_error(error));
            rows.push(effect::Model { error, due: *due, leased: false, owner: None, ..request.clone() });
            continue;
        }
        let update = effect::Entity::update_many()
            .col_expr(effect::Column::Attempts, Expr::value(request.attempts))
            .col_expr(effect::Column::Error, Expr::value(stored_error(error)))
            .col_expr(effect::Column::Due, Expr::value(*due))
            .col_expr(effect::Column::Leased, Expr::value(false))
            .col_expr(effect::Column::Owner, Expr::value(Option::<Uuid>::None))
            .filter(effect::Column::Key.eq(&*request.key))
            .filter(effect::Column::Epoch.eq(request.epoch));
        tx.write(update).await?;
    }
    batch::make_rows(tx, rows).await
}
