//! What is in a service's tables and should not stay there: messages that are not published, parked records, dead letters.
//! Counted in the tables at each scrape, so that the counts are true whatever the tasks do, and after a restart.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sea_orm::{ColumnTrait, EntityTrait, QuerySelect};
use store::{Db, StoreError};
use telemetry::metrics::{Metric, Sample};

use crate::{
    dead_letter::parking::State,
    tables::{outbox, parked},
};

static OUTBOX: Metric = Metric {
    name: "uzon_outbox_messages",
    help: "Messages in the outbox. A message is removed a quarter of a second after it is published",
};
static PARKED: Metric = Metric {
    name: "uzon_parked",
    help: "Records that wait for a prerequisite, for another try, or behind a record of the same key",
};
static DEAD_LETTERS: Metric =
    Metric { name: "uzon_dead_letters", help: "Records that are not tried again: an operator decides" };

/// Of one topic.
#[derive(Debug, Default)]
struct Counts {
    parked: u64,
    dead_letters: u64,
}

/// A zero for each of `topics` that has nothing: what is absent could not be counted. A topic that the service has
/// subscribed to in an earlier version is there if it has something.
pub(crate) async fn samples(
    service: &'static str,
    db: &Db,
    topics: &BTreeSet<Arc<str>>,
) -> Result<Vec<Sample>, StoreError> {
    let mut counts: BTreeMap<String, Counts> =
        topics.iter().map(|topic| (topic.to_string(), Counts::default())).collect();
    for (topic, state, rows) in parked_rows(db).await? {
        let counts = counts.entry(topic).or_default();
        let count = if State::named(&state) == State::Dead { &mut counts.dead_letters } else { &mut counts.parked };
        *count += rows.unsigned_abs();
    }
    let sample = |metric, topic: Option<&str>, value| {
        let topic = topic.map(|topic| ("topic", topic.to_owned()));
        Sample { metric, labels: [("service", service.to_owned())].into_iter().chain(topic).collect(), value }
    };
    let mut samples = vec![sample(&OUTBOX, None, outbox_messages(db).await?)];
    for (topic, counts) in &counts {
        samples.push(sample(&PARKED, Some(topic), counts.parked));
        samples.push(sample(&DEAD_LETTERS, Some(topic), counts.dead_letters));
    }
    Ok(samples)
}

/// Topic, state, rows.
async fn parked_rows(db: &Db) -> Result<Vec<(String, String, i64)>, StoreError> {
    let rows = parked::Entity::find()
        .select_only()
        .column(parked::Column::Topic)
        .column(parked::Column::State)
        .column_as(parked::Column::Id.count(), "count")
        .group_by(parked::Column::Topic)
        .group_by(parked::Column::State);
    Ok(rows.into_tuple().all(db.writer()).await?)
}

/// Added up here: each engine gives a sum in SQL another type.
async fn outbox_messages(db: &Db) -> Result<u64, StoreError> {
    let sizes = outbox::Entity::find()
        .select_only()
        .column(outbox::Column::Messages)
        .column_as(outbox::Column::Id.count(), "count")
        .group_by(outbox::Column::Messages);
    let sizes: Vec<(i32, i64)> = sizes.into_tuple().all(db.writer()).await?;
    Ok(sizes.into_iter().map(|(messages, rows)| u64::from(messages.unsigned_abs()) * rows.unsigned_abs()).sum())
}
