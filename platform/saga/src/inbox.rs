//! Events that programs before [`Seen`](crate::Seen) have decided. Nothing is added any more; when the last row is removed, after
//! `inbox.keep`, the table is not looked at again.

use std::collections::HashSet;

use sea_orm::{EntityTrait, QuerySelect};
use store::{Db, StoreError, Tx, bulk};
use uuid::Uuid;

use crate::tables::inbox;

/// Those of these events that were decided before.
pub(crate) async fn decided(tx: &Tx, participant: &str, events: Vec<Uuid>) -> Result<HashSet<Uuid>, StoreError> {
    let keys: Vec<_> = events.into_iter().map(|event| (event, participant.to_owned())).collect();
    let rows = bulk::select::<inbox::Entity>(tx, &keys, false).await?;
    Ok(rows.into_iter().map(|row| row.event_id).collect())
}

pub(crate) async fn is_empty(db: &Db) -> Result<bool, StoreError> {
    Ok(inbox::Entity::find().limit(1).one(db.writer()).await?.is_none())
}
