use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::set_fillfactor;

use crate::domain::rows::order;

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
        // Four or more transitions, each of which makes the row longer.
        set_fillfactor(manager, order::Entity, 40).await
    }
}
