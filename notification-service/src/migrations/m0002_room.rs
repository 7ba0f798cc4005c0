use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::set_fillfactor;

use crate::store::notification;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Written when it is asked for and again when it is sent.
        set_fillfactor(manager, notification::Entity, 50).await
    }
}
