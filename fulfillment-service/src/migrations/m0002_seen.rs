//! Which events are decided stands in the row of the aggregate instead of the inbox. Both program versions may run at once: a
//! repeat that one of them does not recognise changes nothing, because every reaction stands repeats by its state.

use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::add_column;

use crate::domain::rows::shipment;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_column(manager, shipment::Entity, ColumnDef::new(shipment::Column::Seen).blob()).await
    }
}
