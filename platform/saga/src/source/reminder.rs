//! Reminders: deadlines that earlier decisions set.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use serde::de::DeserializeOwned;
use store::{Db, StoreError, Tx, bulk};
use telemetry::Trace;
use tracing::{debug, warn};
use uuid::Uuid;

use super::Source;
use crate::{
    Delivery, InputSource, Verdict, decode,
    runtime::{BatchState, Deferred, Disposition, Item, RETRY_FAILED, RuntimeConfig},
    tables::reminder,
};

/// When a reminder that is held is looked at again.
const RETRY_HELD: TimeDelta = TimeDelta::seconds(1);

pub(crate) struct ReminderSource {
    pub name: String,
}

/// The ids of the reminders that are set, by key and name.
#[derive(Default)]
pub(crate) struct Lookup(HashMap<(Uuid, String), Uuid>);

/// A reminder that comes again later.
pub(crate) struct Postponed {
    pub key: Uuid,
    pub name: String,
    pub due: DateTime<Utc>,
}

impl Lookup {
    pub async fn load<I>(tx: &Tx, items: &[Item<I>]) -> Result<Self, StoreError> {
        let key = |item: &Item<I>| match &item.source {
            Source::Reminder(source) => Some((item.delivery.key, source.name.clone())),
            _ => None,
        };
        let fired: Vec<_> = items.iter().filter_map(key).collect();
        let rows = bulk::select::<reminder::Entity>(tx, &fired, true).await?;
        Ok(Self(rows.into_iter().map(|row| ((row.key, row.name), row.id)).collect()))
    }
}

impl ReminderSource {
    pub fn dedupe<I>(&self, delivery: &Delivery<I>, state: &mut BatchState<'_>) -> Option<Disposition> {
        let key = (delivery.key, self.name.clone());
        let id = state.dedup.reminders.0.remove(&key);
        // Set again or cancelled by a decision of this batch: the row that fired is void.
        let is_overtaken = state.out.reminders.contains_key(&(key.0, key.1.into()));
        (is_overtaken || id != Some(delivery.id)).then_some(Disposition::Repeated)
    }

    pub fn apply<I>(&self, delivery: &Delivery<I>, verdict: Verdict, state: &mut BatchState<'_>) -> Disposition {
        if let Verdict::Hold(_) = &verdict {
            let due = state.now + RETRY_HELD;
            state.writes.postponed.push(Postponed { key: delivery.key, name: self.name.clone(), due });
        } else {
            state.out.fired(delivery.key, &self.name);
        }
        Disposition::Decided(verdict)
    }

    pub fn defer<I>(&self, delivery: &Delivery<I>, config: &RuntimeConfig) -> Deferred {
        let due = config.clock.now() + RETRY_FAILED;
        Deferred::Postpone(Postponed { key: delivery.key, name: self.name.clone(), due })
    }
}

pub(crate) async fn postpone(tx: &Tx, reminders: &[Postponed]) -> Result<(), StoreError> {
    for Postponed { key, name, due } in reminders {
        let update = reminder::Entity::update_many()
            .col_expr(reminder::Column::Due, Expr::value(*due))
            .filter(reminder::Column::Key.eq(*key))
            .filter(reminder::Column::Name.eq(&**name));
        tx.write(update).await?;
    }
    Ok(())
}

/// Finds the reminders that are due.
#[derive(Default)]
pub(crate) struct DueReminders {
    /// Names that are no input of this participant.
    foreign: BTreeSet<String>,
}

/// What was found.
pub(crate) struct Due<I> {
    pub items: Vec<Item<I>>,
    /// Stored reminders that this program cannot read.
    pub unreadable: Vec<Postponed>,
}

impl DueReminders {
    /// At most `limit`, the oldest first.
    pub async fn find<I: DeserializeOwned>(
        &mut self,
        db: &Db,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Due<I>, StoreError> {
        let rows = reminder::Entity::find()
            .filter(reminder::Column::Due.lte(now))
            .filter(reminder::Column::Name.is_not_in(&self.foreign))
            .order_by_asc(reminder::Column::Due)
            .limit(limit as u64)
            .all(db.writer())
            .await?;
        let mut due = Due { items: vec![], unreadable: vec![] };
        for row in rows {
            match decode::<I>(&row.name, row.body.as_bytes()) {
                Ok(Some(input)) => due.items.push(item(row, input)),
                Ok(None) => {
                    debug!(
                        reminder = row.name,
                        "a reminder of another participant, or of an older version of this one"
                    );
                    self.foreign.insert(row.name);
                }
                Err(error) => {
                    warn!(reminder = row.name, order.id = %row.key, %error, "a stored reminder cannot be read by this program");
                    due.unreadable.push(Postponed { key: row.key, name: row.name, due: now + RETRY_FAILED });
                }
            }
        }
        Ok(due)
    }
}

fn item<I>(row: reminder::Model, input: I) -> Item<I> {
    let delivery = Delivery {
        id: row.id,
        source: InputSource::Reminder,
        key: row.key,
        cause: row.cause,
        at: row.due,
        sequence: 0,
        trace: Trace::parse(row.trace.as_bytes()).unwrap_or_default(),
        input,
    };
    Item::new(delivery, Source::Reminder(ReminderSource { name: row.name }))
}
