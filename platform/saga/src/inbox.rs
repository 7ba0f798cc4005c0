//! Events that were decided are not decided again.

use std::collections::HashSet;

use store::{StoreError, Tx, bulk};
use uuid::Uuid;

use crate::tables::inbox;

/// Those of these events that were decided before.
pub(crate) async fn seen(tx: &Tx, participant: &str, events: Vec<Uuid>) -> Result<HashSet<Uuid>, StoreError> {
    let keys: Vec<_> = events.into_iter().map(|event| (event, participant.to_owned())).collect();
    let rows = bulk::select::<inbox::Entity>(tx, &keys, false).await?;
    Ok(rows.into_iter().map(|row| row.event_id).collect())
}

/// Stores that these events are decided. An event that is there already is a `Conflict`: another process decided it
/// meanwhile, and the next attempt sees it.
pub(crate) async fn remember(tx: &Tx, participant: &str, mut events: Vec<Uuid>) -> Result<(), StoreError> {
    events.sort_unstable(); // in one order everywhere: two processes that store the same events do not deadlock
    let row = |event_id| inbox::Model { event_id, participant: participant.to_owned() };
    bulk::insert::<inbox::Entity>(tx, events.into_iter().map(row).collect()).await
}
