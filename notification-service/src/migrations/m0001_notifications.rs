use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::{Layout, create, index};

use crate::domain::rows::{
    contact::{self, Column as C},
    notification::{self, Column as N},
    preferences::{self, Column as P},
};

/// Numbers of published events, for programs before the topic's events were no longer numbered.
#[derive(DeriveIden)]
enum EventSequences {
    #[sea_orm(iden = "said")]
    Table,
    OrderId,
    Sequence,
}

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let contacts = Table::create()
            .table(contact::Entity)
            .col(ColumnDef::new(C::OrderId).uuid().not_null().primary_key())
            .col(ColumnDef::new(C::CustomerId).uuid().not_null())
            .col(ColumnDef::new(C::Name).text().not_null())
            .col(ColumnDef::new(C::Email).text().not_null())
            .col(ColumnDef::new(C::Phone).text())
            .col(ColumnDef::new(C::Language).string_len(35).not_null())
            .col(ColumnDef::new(C::Currency).string_len(3).not_null())
            .col(ColumnDef::new(C::TotalMinor).big_integer().not_null())
            .col(ColumnDef::new(C::Items).text().not_null())
            .to_owned();
        create(manager, Layout::Clustered, contacts).await?;

        let sequences = Table::create()
            .table(EventSequences::Table)
            .col(ColumnDef::new(EventSequences::OrderId).uuid().not_null().primary_key())
            .col(ColumnDef::new(EventSequences::Sequence).big_integer().not_null())
            .to_owned();
        create(manager, Layout::Clustered, sequences).await?;

        let preferences = Table::create()
            .table(preferences::Entity)
            .col(ColumnDef::new(P::CustomerId).uuid().not_null().primary_key())
            .col(ColumnDef::new(P::Email).boolean().not_null())
            .col(ColumnDef::new(P::Sms).boolean().not_null())
            .col(ColumnDef::new(P::Language).string_len(35).not_null())
            .to_owned();
        create(manager, Layout::Clustered, preferences).await?;

        // Not clustered: rows with a whole message in them are too long to live in an index.
        let notifications = Table::create()
            .table(notification::Entity)
            .col(ColumnDef::new(N::OrderId).uuid().not_null())
            .col(ColumnDef::new(N::Event).string_len(80).not_null())
            .col(ColumnDef::new(N::Channel).string_len(8).not_null())
            .col(ColumnDef::new(N::Id).uuid().not_null())
            .col(ColumnDef::new(N::Status).string_len(8).not_null())
            .col(ColumnDef::new(N::Recipient).text().not_null())
            .col(ColumnDef::new(N::Subject).text())
            .col(ColumnDef::new(N::Body).text().not_null())
            .col(ColumnDef::new(N::Attempts).integer().not_null())
            .col(ColumnDef::new(N::Resends).integer().not_null())
            .col(ColumnDef::new(N::CreatedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(N::SentAt).timestamp_with_time_zone())
            .primary_key(Index::create().col(N::OrderId).col(N::Event).col(N::Channel))
            .to_owned();
        create(manager, Layout::Heap, notifications).await?;
        // The mailbox, newest first, and one message of it. Ids rise with time: it is written at its end only. Not unique:
        // MySQL's upsert would take it for the key.
        let id = Index::create().name("notifications_id").table(notification::Entity).col(N::Id).to_owned();
        index(manager, id).await
    }
}
