//! The schema. Names are stored: never rename, never reorder; add.

use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::{Layout, create};

use super::store::{Column as B, Entity};

pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Bookings)]
    }

    fn migration_table_name() -> DynIden {
        "service_migrations".into_iden()
    }
}

struct Bookings;

impl MigrationName for Bookings {
    fn name(&self) -> &'static str {
        "m0001_bookings"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Bookings {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let bookings = Table::create()
            .table(Entity)
            .col(ColumnDef::new(B::Key).string_len(255).not_null().primary_key())
            .col(ColumnDef::new(B::OrderId).uuid().not_null())
            .col(ColumnDef::new(B::TrackingNumber).string_len(32).not_null())
            .col(ColumnDef::new(B::Refused).text())
            .col(ColumnDef::new(B::EstimatedDelivery).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(B::BookedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(B::CancelledAt).timestamp_with_time_zone())
            .col(ColumnDef::new(B::PickedUpAt).timestamp_with_time_zone())
            .col(ColumnDef::new(B::DeliveredAt).timestamp_with_time_zone())
            .to_owned();
        create(manager, Layout::Clustered, bookings).await
    }
}
