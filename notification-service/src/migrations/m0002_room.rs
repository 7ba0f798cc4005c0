use platform::migrations::leave_room;
use sea_orm_migration::{prelude::*, sea_orm::DbErr};

use crate::store::notification;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Written when it is asked for and again when it is sent.
        leave_room(manager, notification::Entity, 50).await
    }
}
