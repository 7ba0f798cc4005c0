//! The platform's own schema, in every service's database, and how a service's is brought up to date.

use sea_orm::{DbBackend, DbErr};
use sea_orm_migration::prelude::*;

use crate::{
    Db,
    tables::{effect, idempotency, inbox, outbox, parked, reminder},
};

/// A table that is kept in the order of its primary key, where the engine leaves the choice (SQLite would keep a second
/// tree besides).
pub fn clustered(manager: &SchemaManager<'_>, mut table: TableCreateStatement) -> TableCreateStatement {
    if manager.get_database_backend() == DbBackend::Sqlite {
        table.extra("WITHOUT ROWID");
    }
    table
}

/// Brings the schema up to date: runs those of `M` that this database has not seen.
pub(crate) async fn migrate<M: MigratorTrait>(db: &Db) -> Result<(), DbErr> {
    M::up(db.writer(), None).await
}

/// The platform's own. A history of its own beside the service's, so that neither takes the other's for unknown.
pub(crate) struct Platform;

impl MigratorTrait for Platform {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Platform1)]
    }

    fn migration_table_name() -> DynIden {
        "platform_migrations".into_iden()
    }
}

struct Platform1;

impl MigrationName for Platform1 {
    fn name(&self) -> &'static str {
        "m0001_platform"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Platform1 {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let inbox = Table::create()
            .table(inbox::Entity)
            .col(ColumnDef::new(inbox::Column::EventId).uuid().not_null())
            .col(ColumnDef::new(inbox::Column::Participant).string().not_null())
            .primary_key(Index::create().col(inbox::Column::EventId).col(inbox::Column::Participant))
            .to_owned();
        manager.create_table(clustered(manager, inbox)).await?;

        let outbox = Table::create()
            .table(outbox::Entity)
            .col(ColumnDef::new(outbox::Column::Id).big_integer().not_null().auto_increment().primary_key())
            .col(ColumnDef::new(outbox::Column::Shard).integer().not_null())
            .col(ColumnDef::new(outbox::Column::At).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(outbox::Column::Messages).integer().not_null())
            .col(ColumnDef::new(outbox::Column::Records).blob().not_null())
            .to_owned();
        manager.create_table(outbox).await?;

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
            // The key alone, whatever the entity says: it tells which lease it means, but there is never a second row.
            .primary_key(Index::create().col(effect::Column::Key))
            .to_owned();
        manager.create_table(clustered(manager, effects)).await?;
        let due = Index::create().name("effects_due").table(effect::Entity).col(effect::Column::Due).to_owned();
        manager.create_index(due).await?;

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
        manager.create_table(clustered(manager, reminders)).await?;
        let due = Index::create().name("reminders_due").table(reminder::Entity).col(reminder::Column::Due).to_owned();
        manager.create_index(due).await?;

        let idempotency = Table::create()
            .table(idempotency::Entity)
            .col(ColumnDef::new(idempotency::Column::Key).string_len(600).not_null().primary_key())
            .col(ColumnDef::new(idempotency::Column::Hash).blob().not_null())
            .col(ColumnDef::new(idempotency::Column::Reply).text().not_null())
            .col(ColumnDef::new(idempotency::Column::At).timestamp_with_time_zone().not_null())
            .to_owned();
        manager.create_table(clustered(manager, idempotency)).await?;
        let at =
            Index::create().name("idempotency_at").table(idempotency::Entity).col(idempotency::Column::At).to_owned();
        manager.create_index(at).await?;

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
        manager.create_table(clustered(manager, parked)).await
    }
}
