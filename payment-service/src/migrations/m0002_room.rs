use platform::migrations::leave_room;
use sea_orm_migration::{prelude::*, sea_orm::DbErr};

use crate::store::payment;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Three steps and more; the first makes the row half as long again.
        leave_room(manager, payment::Entity, 30).await
    }
}
