//! The platform's tables.

use sea_orm::DbErr;
use sea_orm_migration::prelude::*;

use super::{Layout, create, index};
use crate::tables::{effect, idempotency, inbox, outbox, parked, reminder};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_platform"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let inbox = Table::create()
            .table(inbox::Entity)
            .col(ColumnDef::new(inbox::Column::EventId).uuid().not_null())
            .col(ColumnDef::new(inbox::Column::Participant).string().not_null())
            .primary_key(Index::create().col(inbox::Column::EventId).col(inbox::Column::Participant))
            .to_owned();
        create(manager, Layout::Book, inbox).await?;

        let outbox = Table::create()
            .table(outbox::Entity)
            .col(ColumnDef::new(outbox::Column::Id).big_integer().not_null().auto_increment().primary_key())
            .col(ColumnDef::new(outbox::Column::Shard).integer().not_null())
            .col(ColumnDef::new(outbox::Column::At).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(outbox::Column::Messages).integer().not_null())
            .col(ColumnDef::new(outbox::Column::Records).blob().not_null())
            .to_owned();
        create(manager, Layout::Heap, outbox).await?;

        let effects = Table::create()
            .table(effect::Entity)
            .col(ColumnDef::new(effect::Column::Key).string().not_null())
            .col(ColumnDef::new(effect::Column::Epoch).integer().not_null())
            .col(ColumnDef::new(effect::Column::Name).string().not_null())
            .col(ColumnDef::new(effect::Column::About).uuid().not_null())
            .col(ColumnDef::new(effect::Column::Request).text().not_null())
            .col(ColumnDef::new(effect::Column::Trace).string().not_null())
            .col(ColumnDef::new(effect::Column::Cause).uuid())
            .col(ColumnDef::new(effect::Column::RequestedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(effect::Column::Attempts).integer().not_null())
            .col(ColumnDef::new(effect::Column::Error).text())
            .col(ColumnDef::new(effect::Column::Due).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(effect::Column::Leased).boolean().not_null())
            // The key alone, whatever the entity says: the epoch is part of every look-up, but there is never a second row.
            .primary_key(Index::create().col(effect::Column::Key))
            .to_owned();
        create(manager, Layout::Book, effects).await?;
        let due = Index::create().name("effects_due").table(effect::Entity).col(effect::Column::Due).to_owned();
        index(manager, due).await?;

        let reminders = Table::create()
            .table(reminder::Entity)
            .col(ColumnDef::new(reminder::Column::Key).uuid().not_null())
            .col(ColumnDef::new(reminder::Column::Name).string().not_null())
            .col(ColumnDef::new(reminder::Column::Id).uuid().not_null())
            .col(ColumnDef::new(reminder::Column::Due).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(reminder::Column::Body).text().not_null())
            .col(ColumnDef::new(reminder::Column::Trace).string().not_null())
            .col(ColumnDef::new(reminder::Column::Cause).uuid())
            .primary_key(Index::create().col(reminder::Column::Key).col(reminder::Column::Name))
            .to_owned();
        create(manager, Layout::Book, reminders).await?;
        let due = Index::create().name("reminders_due").table(reminder::Entity).col(reminder::Column::Due).to_owned();
        index(manager, due).await?;

        let idempotency = Table::create()
            .table(idempotency::Entity)
            .col(ColumnDef::new(idempotency::Column::Key).string_len(600).not_null().primary_key())
            .col(ColumnDef::new(idempotency::Column::Hash).blob().not_null())
            .col(ColumnDef::new(idempotency::Column::Reply).text().not_null())
            .col(ColumnDef::new(idempotency::Column::At).timestamp_with_time_zone().not_null())
            .to_owned();
        create(manager, Layout::Book, idempotency).await?;
        let at =
            Index::create().name("idempotency_at").table(idempotency::Entity).col(idempotency::Column::At).to_owned();
        index(manager, at).await?;

        let parked = Table::create()
            .table(parked::Entity)
            .col(ColumnDef::new(parked::Column::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(parked::Column::Participant).string().not_null())
            .col(ColumnDef::new(parked::Column::Key).string_len(600).not_null())
            .col(ColumnDef::new(parked::Column::Topic).string().not_null())
            .col(ColumnDef::new(parked::Column::Partition).integer().not_null())
            .col(ColumnDef::new(parked::Column::Position).big_integer().not_null())
            .col(ColumnDef::new(parked::Column::Record).blob().not_null())
            .col(ColumnDef::new(parked::Column::State).string().not_null())
            .col(ColumnDef::new(parked::Column::Error).text().not_null())
            .col(ColumnDef::new(parked::Column::Attempts).integer().not_null())
            .col(ColumnDef::new(parked::Column::FirstFailedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(parked::Column::NextTry).timestamp_with_time_zone().not_null())
            .to_owned();
        create(manager, Layout::Clustered, parked).await
    }
}
