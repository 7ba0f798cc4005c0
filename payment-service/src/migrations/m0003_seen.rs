//! Which events are decided stands in the row of the aggregate instead of the inbox. Both program versions may run at once: a
//! repeat that one of them does not recognise changes nothing, because every reaction stands repeats by its state.

use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::add_column;

use crate::domain::rows::payment;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_column(manager, payment::Entity, ColumnDef::new(payment::Column::Seen).blob()).await
    }
}
