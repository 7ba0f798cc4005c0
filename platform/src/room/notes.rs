//! What a batch writes beside the rows of its workset.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use crate::{
    StoreError, Tx, bulk,
    bus::{Outgoing, codec},
    effect::{
        Job,
        batch::{self, Batches},
    },
    parking::{Changes, Head, Parked},
    store::Number,
    tables::{effect, idempotency, outbox, parked, reminder},
};

/// What a batch writes besides worksets and consequences.
#[derive(Default)]
pub(super) struct Notes {
    pub decided: Vec<Uuid>,
    pub answers: Vec<idempotency::Model>,
    /// Idempotency keys of commands that got no reply to be remembered.
    pub refused: Vec<String>,
    /// Key and epoch of effects that have their outcome.
    pub answered: BTreeMap<String, i32>,
    /// Those of them that have a row.
    pub settled: Vec<(String, i32)>,
    pub later: Vec<Later>,
    /// Reminders that come again then.
    pub postponed: Vec<(Uuid, String, DateTime<Utc>)>,
    pub parking: Changes,
    pub parked_changed: bool,
}

impl Notes {
    pub(super) fn park(&mut self, row: parked::Model, parked: &mut Parked) {
        parked.set(row.queue(), (&row).into());
        self.parked_changed = true;
        self.parking.new.push(row);
    }

    pub(super) fn stay(&mut self, row: parked::Model, parked: &mut Parked) {
        parked.stay(&row);
        self.parked_changed = true;
        self.parking.changed.push(row);
    }

    /// It has left its queue; the next one is due at once, if there is one.
    pub(super) fn unpark(&mut self, row: &parked::Model, parked: &mut Parked, now: DateTime<Utc>) {
        parked.set(row.queue(), Head::Due(now));
        self.parked_changed = true;
        self.parking.gone.push(row.id);
    }

    /// A command that repeats an answered one may be refused now, because the first has changed what it is about. Nothing
    /// is inserted then that would show the repeat, so it is looked for. (Refusals are rare.)
    pub(super) async fn were_not_answered(&self, tx: &Tx) -> Result<(), StoreError> {
        let answered = bulk::select::<idempotency::Entity>(tx, &self.refused, false).await?;
        if answered.is_empty() { Ok(()) } else { Err(StoreError::Conflict("a command was answered before".into())) }
    }

    /// What is asked for again by the decision about its outcome goes on counting leases: an outcome that arrives late,
    /// had under the old request, is none of the new one.
    pub(super) fn ask_anew(&self, requests: &mut [effect::Model]) {
        for request in requests {
            if let Some(epoch) = self.answered.get(&request.key) {
                request.epoch = epoch + 1;
            }
        }
    }
}

/// Effects that have an outcome are done. One that is gone already is a conflict: its outcome was decided before.
pub(super) async fn settle(tx: &Tx, mut settled: Vec<(String, i32)>) -> Result<(), StoreError> {
    settled.sort_unstable();
    bulk::remove_each::<effect::Entity>(tx, &settled).await
}

/// An effect that is to be tried again: what became of it, and when.
pub(super) type Later = (Job, String, DateTime<Utc>);

/// Effects that are to be tried again, unless they are settled.
pub(super) async fn put_off(tx: &Tx, later: &[Later]) -> Result<(), StoreError> {
    let mut batches = Batches::lock(tx, later.iter().filter_map(|(job, ..)| job.place)).await?;
    let open = later.iter().filter(|(job, ..)| job.place.is_none_or(|place| batches.settle(place)));
    reschedule(tx, open.collect::<Vec<_>>()).await?;
    batches.save(tx).await
}

/// Gives them another time. Those that were in a batch, where they are settled now, get rows of their own.
pub(super) async fn reschedule(tx: &Tx, later: Vec<&Later>) -> Result<(), StoreError> {
    let mut rows = vec![];
    for (Job { request, place }, error, due) in later {
        if place.is_none() {
            let update = effect::Entity::update_many()
                .col_expr(effect::Column::Attempts, Expr::value(request.attempts))
                .col_expr(effect::Column::Error, Expr::value(error.as_str()))
                .col_expr(effect::Column::Due, Expr::value(*due))
                .col_expr(effect::Column::Leased, Expr::value(false))
                .filter(effect::Column::Key.eq(&*request.key))
                .filter(effect::Column::Epoch.eq(request.epoch));
            tx.write(update).await?;
        } else {
            let error = Some(error.clone());
            rows.push(effect::Model { error, due: *due, leased: false, ..request.clone() });
        }
    }
    batch::make_rows(tx, rows).await
}

/// Reminders that could not be decided come again then.
pub(super) async fn postpone(tx: &Tx, later: &[(Uuid, String, DateTime<Utc>)]) -> Result<(), StoreError> {
    for (key, name, due) in later {
        let update = reminder::Entity::update_many()
            .col_expr(reminder::Column::Due, Expr::value(*due))
            .filter(reminder::Column::Key.eq(*key))
            .filter(reminder::Column::Name.eq(&**name));
        tx.write(update).await?;
    }
    Ok(())
}

/// The events of a transaction go to the outbox as one row.
pub(super) async fn enqueue(
    tx: &Tx,
    at: DateTime<Utc>,
    events: Vec<Outgoing>,
) -> Result<Option<(Number, Vec<Outgoing>)>, StoreError> {
    if events.is_empty() {
        return Ok(None);
    }
    let row = outbox::ActiveModel {
        id: sea_orm::NotSet,
        shard: sea_orm::Set(0),
        at: sea_orm::Set(at),
        messages: sea_orm::Set(i32::try_from(events.len()).unwrap_or(i32::MAX)),
        records: sea_orm::Set(codec::encode_all(&events)),
    };
    Ok(Some((tx.insert_numbered::<outbox::Entity>(row).await?, events)))
}
