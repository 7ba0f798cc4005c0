use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::set_fillfactor;

use crate::store::order;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Four transitions and more, each of which makes the row longer.
        set_fillfactor(manager, order::Entity, 40).await
    }
}
