//! What has been decided before is not decided again.

use std::collections::HashSet;

use uuid::Uuid;

use crate::{Participant, StoreError, Tx, bulk, tables::inbox};

/// Those of these events that were decided before.
pub(crate) async fn seen<P: Participant>(tx: &Tx, events: Vec<Uuid>) -> Result<HashSet<Uuid>, StoreError> {
    let keys: Vec<_> = events.into_iter().map(|event| (event, P::NAME.to_owned())).collect();
    let rows = bulk::select::<inbox::Entity>(tx, &keys, false).await?;
    Ok(rows.into_iter().map(|row| row.event_id).collect())
}

/// Notes what is decided now. One that is there already is a `Conflict`: the repeat shows only here, and then the next
/// attempt looks before it leaps. (Repeats are rare, and looking is not free.)
pub(crate) async fn remember<P: Participant>(tx: &Tx, events: &[Uuid]) -> Result<(), StoreError> {
    let row = |event_id: &Uuid| inbox::Model { event_id: *event_id, participant: P::NAME.to_owned() };
    let mut rows: Vec<_> = events.iter().map(row).collect();
    rows.sort_unstable_by_key(|row| row.event_id); // two that note the same wait for each other, and not in a circle
    bulk::insert::<inbox::Entity>(tx, rows).await
}
