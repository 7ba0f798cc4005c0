//! Requests that are performed at once.

use sea_orm::DbErr;
use sea_orm_migration::prelude::*;

use super::{Layout, create, index};
use crate::tables::effect_batch;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_effect_batches"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let batches = Table::create()
            .table(effect_batch::Entity)
            .col(ColumnDef::new(effect_batch::Column::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(effect_batch::Column::Due).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(effect_batch::Column::Settled).blob().not_null())
            .col(ColumnDef::new(effect_batch::Column::Requests).blob().not_null())
            .to_owned();
        create(manager, Layout::Heap, batches).await?;
        let due = Index::create()
            .name("effect_batches_due")
            .table(effect_batch::Entity)
            .col(effect_batch::Column::Due)
            .to_owned();
        index(manager, due).await
    }
}
