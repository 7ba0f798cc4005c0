//! Who publishes the outbox, where several processes have the database.

use sea_orm::DbErr;
use sea_orm_migration::prelude::*;

use super::{Layout, create};
use crate::outbox::lease;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_leases"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let leases = Table::create()
            .table(lease::Entity)
            .col(ColumnDef::new(lease::Column::Shard).integer().not_null().primary_key())
            .col(ColumnDef::new(lease::Column::Holder).uuid())
            .col(ColumnDef::new(lease::Column::Epoch).big_integer().not_null())
            .col(ColumnDef::new(lease::Column::Beat).big_integer().not_null())
            .col(ColumnDef::new(lease::Column::Asked).big_integer().not_null())
            .to_owned();
        create(manager, Layout::Clustered, leases).await
    }
}
