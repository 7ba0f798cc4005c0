use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::set_fillfactor;

use crate::store::payment;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Three steps and more; the first makes the row half as long again.
        set_fillfactor(manager, payment::Entity, 30).await
    }
}
