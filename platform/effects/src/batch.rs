//! The requests of one transaction as one row.
//!
//! Nearly every request is answered moments after its transaction, by the same process: a row of its own would be written only
//! to be removed. So the requests of one transaction share a row, which records which of them are settled and is removed when
//! all are. A request that has to be tried again leaves the batch for a row of its own. When the process is gone
//! ([`ownership`](crate::ownership)), another process takes the batch over.
//!
//! The key of a row shows a request that is still open; in a batch only the requests of one transaction are compared.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockBehavior, LockType, OnConflict},
};
use store::{Db, StoreError, Tx, bulk};
use tracing::{debug, error};
use uuid::Uuid;

use crate::{
    Job,
    ownership::{OWNED_DUE, Ownership},
    tables::{effect, effect_batch, settled},
};

/// Up to this many requests become rows: a batch is read once more before it is removed.
const FEW: usize = 4;

/// When a batch that another program has written is looked at again, …
const FOREIGN_RETRY: TimeDelta = TimeDelta::seconds(10);
/// … and one that cannot be read at all.
const UNREADABLE_RETRY: TimeDelta = TimeDelta::hours(1);

/// Rows in a statement.
const MAX_ROWS: usize = 256;

/// Where a request is kept that has no row of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub batch: Uuid,
    pub index: usize,
    /// Of the batch when this process took it.
    pub epoch: i32,
}

/// Stores requests that are due now, few as rows, many as a batch. Those that are `owned` are the jobs of this process; the
/// others are taken from the table later, by any process.
pub async fn keep(
    tx: &Tx,
    clock: &Clock,
    owned: Vec<effect::Model>,
    others: Vec<effect::Model>,
) -> Result<Vec<Job>, StoreError> {
    let mut keys: Vec<_> = owned.iter().chain(&others).map(|request| &*request.key).collect();
    keys.sort_unstable();
    if keys.windows(2).any(|two| two[0] == two[1]) {
        return Err(StoreError::Conflict("a request is made twice".into()));
    }
    store(tx, clock, others).await?;
    store(tx, clock, owned).await
}

async fn store(tx: &Tx, clock: &Clock, requests: Vec<effect::Model>) -> Result<Vec<Job>, StoreError> {
    if requests.len() <= FEW {
        bulk::insert::<effect::Entity>(tx, requests.clone()).await?;
        return Ok(requests.into_iter().map(Job::from).collect());
    }
    let batch = effect_batch::Model {
        id: clock.new_id(),
        due: requests[0].due,
        requests: pack(&requests),
        settled: Settled::none(requests.len()).0,
        owner: requests[0].owner,
        epoch: 1,
    };
    let id = batch.id;
    bulk::insert::<effect_batch::Entity>(tx, vec![batch]).await?;
    Ok(jobs(id, 1, requests).collect())
}

fn jobs(batch: Uuid, epoch: i32, requests: Vec<effect::Model>) -> impl Iterator<Item = Job> {
    let job = move |(index, request)| Job { request, place: Some(Place { batch, index, epoch }) };
    requests.into_iter().enumerate().map(job)
}

/// Which requests of some batches are settled. Locked, and saved in the same transaction.
#[derive(Debug, Default)]
pub struct Batches(BTreeMap<Uuid, Batch>);

#[derive(Debug)]
struct Batch {
    epoch: i32,
    settled: Settled,
    is_changed: bool,
}

impl Batches {
    /// The batches of these places. A batch that is gone has nothing open.
    pub async fn lock(tx: &Tx, places: impl Iterator<Item = Place>) -> Result<Self, StoreError> {
        let mut ids: Vec<_> = places.map(|place| place.batch).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut batches = Self::default();
        for row in bulk::select::<settled::Entity>(tx, &ids, true).await? {
            let batch = Batch { epoch: row.epoch, settled: Settled(row.settled), is_changed: false };
            batches.0.insert(row.id, batch);
        }
        Ok(batches)
    }

    /// Settles a request; `false`: it is not open, or another process has taken the batch.
    pub fn settle(&mut self, place: Place) -> bool {
        let Some(batch) = self.0.get_mut(&place.batch).filter(|batch| batch.epoch == place.epoch) else { return false };
        let is_open = batch.settled.set(place.index);
        batch.is_changed |= is_open;
        is_open
    }

    pub async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        let mut gone = vec![];
        for (id, Batch { settled, .. }) in self.0.into_iter().filter(|(_, batch)| batch.is_changed) {
            if settled.all() {
                gone.push(id);
                continue;
            }
            let update = effect_batch::Entity::update_many()
                .col_expr(effect_batch::Column::Settled, Expr::value(settled.0))
                .filter(effect_batch::Column::Id.eq(id));
            tx.write(update).await?;
        }
        bulk::remove::<effect_batch::Entity>(tx, &gone).await
    }
}

/// Takes over the oldest batch that no process owns, if all its requests have these names. `None`: there is no such batch.
pub async fn take(
    db: &Db,
    now: DateTime<Utc>,
    ownership: &Ownership,
    names: &BTreeSet<&'static str>,
) -> Result<Option<Vec<Job>>, StoreError> {
    let free = || {
        effect_batch::Entity::find()
            .filter(effect_batch::Column::Owner.is_null())
            .filter(effect_batch::Column::Due.lte(now))
            .order_by_asc(effect_batch::Column::Due)
            .limit(1)
    };
    let any = free().select_only().column(effect_batch::Column::Id).into_tuple::<Uuid>();
    if any.one(db.writer()).await?.is_none() {
        return Ok(None);
    }
    let tx = db.begin().await?;
    let query = free().lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    let Some(mut batch) = tx.all(query).await?.pop() else { return Ok(None) };
    let owner = Some(ownership.process());
    let taken: Vec<Job> = match unpack(&batch.requests) {
        Ok(requests) if requests.iter().all(|request| names.contains(&*request.name)) => {
            (batch.owner, batch.epoch, batch.due) = (owner, batch.epoch + 1, now + OWNED_DUE);
            let settled = Settled(batch.settled.clone());
            let requests = requests.into_iter().map(|request| effect::Model { owner, ..request }).collect();
            let is_open = |job: &Job| job.place.is_some_and(|place| !settled.has(place.index));
            jobs(batch.id, batch.epoch, requests).filter(is_open).collect()
        }
        Ok(_) => {
            debug!(batch.id = %batch.id, "stored requests of a newer program; another process performs them");
            batch.due = now + FOREIGN_RETRY;
            vec![]
        }
        Err(error) => {
            error!(batch.id = %batch.id, error, "stored requests cannot be read by this program; they stay");
            batch.due = now + UNREADABLE_RETRY;
            vec![]
        }
    };
    bulk::update::<effect_batch::Entity>(&tx, vec![batch]).await?;
    if let Err(error) = tx.commit().await {
        ownership.give_back(taken);
        return Err(error);
    }
    Ok(Some(taken))
}

/// Gives requests that have left their batch rows of their own. (A request that was made again while it was open has one.)
pub async fn make_rows(tx: &Tx, requests: Vec<effect::Model>) -> Result<(), StoreError> {
    let mut requests = requests.into_iter();
    while let Some(size) = requests.len().checked_ilog2() {
        let rows = requests.by_ref().take(MAX_ROWS.min(1 << size)).map(IntoActiveModel::into_active_model);
        let insert = effect::Entity::insert_many(rows)
            .on_conflict(OnConflict::column(effect::Column::Key).do_nothing_on([effect::Column::Key]).to_owned());
        tx.write(insert).await?;
    }
    Ok(())
}

/// A bit for each request. Bits of the last byte that stand for none are set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settled(Vec<u8>);

impl Settled {
    fn none(of: usize) -> Self {
        let mut bits = vec![0; of.div_ceil(8)];
        if let (Some(last), used @ 1..) = (bits.last_mut(), of % 8) {
            *last = u8::MAX << used;
        }
        Self(bits)
    }

    fn has(&self, index: usize) -> bool {
        self.0.get(index / 8).is_none_or(|byte| byte & (1 << (index % 8)) != 0)
    }

    /// `false`: it was.
    fn set(&mut self, index: usize) -> bool {
        let open = !self.has(index);
        if open {
            self.0[index / 8] |= 1 << (index % 8);
        }
        open
    }

    fn all(&self) -> bool {
        self.0.iter().all(|byte| *byte == u8::MAX)
    }
}

fn pack(requests: &[effect::Model]) -> Vec<u8> {
    lz4_flex::compress_prepend_size(&serde_json::to_vec(requests).expect("requests are plain data"))
}

fn unpack(packed: &[u8]) -> Result<Vec<effect::Model>, String> {
    let json = lz4_flex::decompress_size_prepended(packed).map_err(|error| error.to_string())?;
    serde_json::from_slice(&json).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Batches outlive the program that wrote them.
    #[test]
    fn a_stored_batch_can_be_read() {
        let stored = r#"[{"key":"k","epoch":3,"name":"Charge","about":"00000000-0000-0000-0000-00000000000a","request":"{}",
            "trace":"00-0-0-00","cause":null,"requested_at":"2026-11-21T10:00:00.000001Z","attempts":2,"error":null,
            "due":"2026-11-21T10:00:05Z","leased":true}]"#;
        let read = unpack(&lz4_flex::compress_prepend_size(stored.as_bytes())).unwrap();
        let at = |time: &str| time.parse::<DateTime<Utc>>().unwrap();
        let request = effect::Model {
            key: "k".into(),
            epoch: 3,
            name: "Charge".into(),
            about: Uuid::from_u128(0xa),
            request: "{}".into(),
            trace: "00-0-0-00".into(),
            cause: None,
            requested_at: at("2026-11-21T10:00:00.000001Z"),
            attempts: 2,
            error: None,
            due: at("2026-11-21T10:00:05Z"),
            leased: true,
            owner: None,
        };
        assert_eq!(read, [request]);
        assert_eq!(unpack(&pack(&read)).unwrap(), read);
    }

    #[test]
    fn a_batch_is_settled_when_each_of_its_requests_is() {
        for of in 1..=20 {
            let mut settled = Settled::none(of);
            for index in 0..of {
                assert!(!settled.all(), "{index} of {of}");
                assert!(!settled.has(index) && settled.set(index), "{index} of {of}");
                assert!(settled.has(index) && !settled.set(index), "{index} of {of}");
            }
            assert!(settled.all(), "{of}");
            assert!(!settled.set(of) && !settled.set(of + 8), "there are no others");
        }
    }
}
