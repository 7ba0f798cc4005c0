//! Removes inbox and idempotency rows that are too old to meet a repeat.

use std::time::Duration;

use chrono::TimeDelta;
use clock::Clock;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use store::{Db, StoreError, bulk};
use tokio_util::sync::CancellationToken;
use tracing::debug;
use uuid::Uuid;

use crate::tables::{idempotency, inbox};

/// How long repeats of an idempotent request are recognised.
const KEEP_ANSWERS: TimeDelta = TimeDelta::days(7);
const INTERVAL: Duration = Duration::from_hours(1);
/// Rows of each table removed in one transaction.
const MAX_ROWS: u64 = 1000;

/// Once an hour, until `stop`.
pub(crate) async fn run(db: Db, clock: Clock, keep_inbox: TimeDelta, stop: CancellationToken) {
    let mut hourly = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! { () = stop.cancelled() => return, _ = hourly.tick() => {} }
        while let Ok(true) = remove_some(&db, &clock, keep_inbox).await {
            if stop.is_cancelled() {
                return;
            }
            tokio::task::yield_now().await;
        }
        debug!("old inbox and idempotency rows are removed");
    }
}

/// `true`: there may be more.
async fn remove_some(db: &Db, clock: &Clock, keep_inbox: TimeDelta) -> Result<bool, StoreError> {
    let now = clock.now();
    // Event ids are UUID v7: they begin with their time.
    let millis = u64::try_from((now - keep_inbox).timestamp_millis()).unwrap_or_default();
    let oldest = uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid();
    let events = inbox::Entity::find().filter(inbox::Column::EventId.lt(oldest)).limit(MAX_ROWS);
    let events = events.all(db.reader()).await?;
    let answers = idempotency::Entity::find().filter(idempotency::Column::At.lt(now - KEEP_ANSWERS)).limit(MAX_ROWS);
    let answers = answers.all(db.reader()).await?;
    let has_more = events.len() as u64 == MAX_ROWS || answers.len() as u64 == MAX_ROWS;
    let events: Vec<(Uuid, String)> = events.into_iter().map(|row| (row.event_id, row.participant)).collect();
    let answers: Vec<String> = answers.into_iter().map(|row| row.key).collect();
    if events.is_empty() && answers.is_empty() {
        return Ok(false);
    }
    let tx = db.begin().await?;
    let mut removed = bulk::delete::<inbox::Entity>(&tx, &events).await?;
    removed += bulk::delete::<idempotency::Entity>(&tx, &answers).await?;
    tx.commit().await?;
    // None: another process has removed them, or the replica is behind.
    Ok(has_more && removed > 0)
}
