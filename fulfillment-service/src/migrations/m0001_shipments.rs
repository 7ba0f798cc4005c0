use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::{Layout, create};

use crate::domain::rows::shipment;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use shipment::Column as S;
        let shipments = Table::create()
            .table(shipment::Entity)
            .col(ColumnDef::new(S::OrderId).uuid().not_null().primary_key())
            .col(ColumnDef::new(S::ShipmentId).uuid().not_null())
            .col(ColumnDef::new(S::CustomerId).uuid())
            .col(ColumnDef::new(S::State).string_len(16).not_null())
            .col(ColumnDef::new(S::CancelRequest).uuid())
            .col(ColumnDef::new(S::Carrier).string_len(100))
            .col(ColumnDef::new(S::TrackingNumber).string_len(100))
            .col(ColumnDef::new(S::EstimatedDelivery).timestamp_with_time_zone())
            .col(ColumnDef::new(S::Parcel).text())
            .col(ColumnDef::new(S::Reason).text())
            .col(ColumnDef::new(S::Sequence).big_integer().not_null())
            .col(ColumnDef::new(S::UpdatedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(S::Trace).string_len(55).not_null())
            .to_owned();
        create(manager, Layout::Clustered, shipments).await
    }
}
