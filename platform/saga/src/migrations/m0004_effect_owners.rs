//! Requests belong to a process as long as it lives, instead of leases that run out.
//!
//! Both program versions may run at once: the earlier one sees what is owned as leased for an hour.

use sea_orm::DbErr;
use sea_orm_migration::prelude::*;

use super::{Layout, add_column, create};
use crate::tables::{effect, effect_batch, process};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0004_effect_owners"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let processes = Table::create()
            .table(process::Entity)
            .col(ColumnDef::new(process::Column::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(process::Column::Beat).big_integer().not_null())
            .to_owned();
        create(manager, Layout::Clustered, processes).await?;
        add_column(manager, effect::Entity, ColumnDef::new(effect::Column::Owner).uuid()).await?;
        add_column(manager, effect_batch::Entity, ColumnDef::new(effect_batch::Column::Owner).uuid()).await?;
        let epoch = ColumnDef::new(effect_batch::Column::Epoch).integer().not_null().default(1).to_owned();
        add_column(manager, effect_batch::Entity, &epoch).await
    }
}
