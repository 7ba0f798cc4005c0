use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::set_fillfactor;

use crate::domain::rows::payment;

pub struct Migration;

impl MigrationName for Migration {
    /// Stored in `service_migrations`: never rename. It is older than the name of this file.
    fn name(&self) -> &'static str {
        "m0002_room"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Three or more updates; the first makes the row half as long again.
        set_fillfactor(manager, payment::Entity, 30).await
    }
}
