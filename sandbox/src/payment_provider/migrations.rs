//! The provider's schema.

use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::{Layout, create};

use super::entry;

pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Entries)]
    }

    fn migration_table_name() -> DynIden {
        "service_migrations".into_iden()
    }
}

struct Entries;

impl MigrationName for Entries {
    fn name(&self) -> &'static str {
        "m0001_entries"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Entries {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use entry::Column as C;
        let entries = Table::create()
            .table(entry::Entity)
            .col(ColumnDef::new(C::Key).string_len(255).not_null().primary_key())
            .col(ColumnDef::new(C::OrderId).uuid().not_null())
            .col(ColumnDef::new(C::Operation).string_len(16).not_null())
            .col(ColumnDef::new(C::Status).string_len(16).not_null())
            .col(ColumnDef::new(C::Reference).uuid())
            .col(ColumnDef::new(C::Reason).string_len(64))
            .col(ColumnDef::new(C::AmountMinor).big_integer().not_null())
            .col(ColumnDef::new(C::Currency).string_len(3).not_null())
            .col(ColumnDef::new(C::RefundedMinor).big_integer().not_null())
            .col(ColumnDef::new(C::Attempts).integer().not_null())
            .col(ColumnDef::new(C::At).timestamp_with_time_zone().not_null())
            .to_owned();
        create(manager, Layout::Clustered, entries).await
    }
}
