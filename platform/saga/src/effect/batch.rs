//! The requests of one transaction as one row.
//!
//! Nearly every request is answered moments after its transaction, by the same process: a row of its own would be written only
//! to be removed. So the requests of one transaction share a row, which records which of them are settled and is removed when
//! all are. A request that has to wait leaves the batch for a row of its own. When the lease of a batch is over, because its
//! process is gone, another process makes rows of all requests that are open.
//!
//! The key of a row shows a request that is still open; in a batch only the requests of one transaction are compared.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::{Expr, LockBehavior, LockType, OnConflict},
};
use store::{Db, StoreError, Tx, bulk};
use tracing::error;
use uuid::Uuid;

use super::worker::Job;
use crate::tables::{effect, effect_batch, settled};

/// Up to this many requests become rows: a batch is read once more before it is removed.
const FEW: usize = 4;

/// Rows in a statement.
const MAX_ROWS: usize = 256;

/// Where a request is kept that has no row of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub batch: Uuid,
    pub index: usize,
}

/// Stores requests that are leased to this process: few as rows, many as a batch.
pub(crate) async fn keep(tx: &Tx, clock: &Clock, requests: Vec<effect::Model>) -> Result<Vec<Job>, StoreError> {
    if requests.len() <= FEW {
        bulk::insert::<effect::Entity>(tx, requests.clone()).await?;
        return Ok(requests.into_iter().map(Job::from).collect());
    }
    let mut keys: Vec<_> = requests.iter().map(|request| &*request.key).collect();
    keys.sort_unstable();
    if keys.windows(2).any(|two| two[0] == two[1]) {
        return Err(StoreError::Conflict("a request is made twice".into()));
    }
    let batch = clock.new_id();
    let row = effect_batch::Model {
        id: batch,
        due: requests.iter().map(|request| request.due).max().unwrap_or_else(|| clock.now()),
        requests: pack(&requests),
        settled: Settled::none(requests.len()).0,
    };
    bulk::insert::<effect_batch::Entity>(tx, vec![row]).await?;
    let job = |(index, request)| Job { request, place: Some(Place { batch, index }) };
    Ok(requests.into_iter().enumerate().map(job).collect())
}

/// Which requests of some batches are settled. Locked, and saved in the same transaction.
#[derive(Debug, Default)]
pub(crate) struct Batches(BTreeMap<Uuid, (Settled, bool)>);

impl Batches {
    /// The batches of these places. A batch that is gone has nothing open.
    pub(crate) async fn lock(tx: &Tx, places: impl Iterator<Item = Place>) -> Result<Self, StoreError> {
        let mut ids: Vec<_> = places.map(|place| place.batch).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut batches = Self::default();
        for row in bulk::select::<settled::Entity>(tx, &ids, true).await? {
            batches.0.insert(row.id, (Settled(row.settled), false));
        }
        Ok(batches)
    }

    /// Settles a request; `false`: it is not open.
    pub(crate) fn settle(&mut self, place: Place) -> bool {
        let Some((settled, changed)) = self.0.get_mut(&place.batch) else { return false };
        let open = settled.set(place.index);
        *changed |= open;
        open
    }

    pub(crate) async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        let mut gone = vec![];
        for (id, (settled, _)) in self.0.into_iter().filter(|(_, (_, changed))| *changed) {
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

/// Makes rows of the open requests of a batch whose lease is over, to be taken by any worker. `false`: there is no such batch.
pub(crate) async fn unpack_overdue(db: &Db, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let overdue = || effect_batch::Entity::find().filter(effect_batch::Column::Due.lte(now)).limit(1);
    let any = overdue().select_only().column(effect_batch::Column::Id).into_tuple::<Uuid>();
    if any.one(db.reader()).await?.is_none() {
        return Ok(false);
    }
    let tx = db.begin().await?;
    let overdue = overdue().lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    let Some(batch) = tx.all(overdue).await?.pop() else { return Ok(false) };
    let requests = match unpack(&batch.requests) {
        Ok(requests) => requests,
        Err(error) => {
            error!(batch.id = %batch.id, error, "stored requests cannot be read by this program; they stay");
            let later = effect_batch::Model { due: now + TimeDelta::hours(1), ..batch };
            bulk::update::<effect_batch::Entity>(&tx, vec![later]).await?;
            tx.commit().await?;
            return Ok(true);
        }
    };
    let settled = Settled(batch.settled);
    let open = requests.into_iter().enumerate().filter(|(index, _)| !settled.has(*index));
    // Outcomes under the old lease are discarded: the batch is gone.
    let rows = open.map(|(_, request)| effect::Model { due: now, leased: false, ..request }).collect();
    make_rows(&tx, rows).await?;
    bulk::remove::<effect_batch::Entity>(&tx, &[batch.id]).await?;
    tx.commit().await?;
    Ok(true)
}

/// Gives requests that have left their batch rows of their own. (A request that was made again while it was open has one.)
pub(crate) async fn make_rows(tx: &Tx, requests: Vec<effect::Model>) -> Result<(), StoreError> {
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
