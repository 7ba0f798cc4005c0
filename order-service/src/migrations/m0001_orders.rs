use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::{Layout, create, index};

use crate::domain::rows::{
    details::{self, Column as D},
    order::{self, Column as O},
    product::{self, Column as P},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A heap, like the next table: rows are long, and SQLite would put most of a clustered row into overflow pages.
        let orders = Table::create()
            .table(order::Entity)
            .col(ColumnDef::new(O::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(O::CustomerId).uuid().not_null())
            .col(ColumnDef::new(O::Status).string_len(16).not_null())
            .col(ColumnDef::new(O::Reason).string_len(32))
            .col(ColumnDef::new(O::Version).big_integer().not_null())
            .col(ColumnDef::new(O::Currency).string_len(3).not_null())
            .col(ColumnDef::new(O::TotalMinor).big_integer().not_null())
            .col(ColumnDef::new(O::CreatedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(O::UpdatedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(O::TraceId).string_len(32).not_null())
            .col(ColumnDef::new(O::Progress).text().not_null())
            .to_owned();
        create(manager, Layout::Heap, orders).await?;
        // The only index besides the key; no transition changes it. Lists by status scan the orders from the newest,
        // because an index by status would be written with every transition of every order.
        let customer =
            Index::create().name("orders_customer").table(order::Entity).col(O::CustomerId).col(O::Id).to_owned();
        index(manager, customer).await?;

        let details = Table::create()
            .table(details::Entity)
            .col(ColumnDef::new(D::OrderId).uuid().not_null().primary_key())
            .col(ColumnDef::new(D::Details).text().not_null())
            .to_owned();
        create(manager, Layout::Heap, details).await?;

        let products = Table::create()
            .table(product::Entity)
            .col(ColumnDef::new(P::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(P::Name).string_len(200).not_null())
            .col(ColumnDef::new(P::PriceMinor).big_integer().not_null())
            .col(ColumnDef::new(P::Currency).string_len(3).not_null())
            .col(ColumnDef::new(P::Version).big_integer().not_null())
            .to_owned();
        create(manager, Layout::Clustered, products).await
    }
}
