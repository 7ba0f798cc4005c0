use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::{Layout, create, index};

use crate::domain::rows::{
    movement::{self, Column as M},
    product::{self, Column as P},
    reservation::{self, Column as R},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let not_negative = |column: P| Expr::col(column).gte(0);
        let products = Table::create()
            .table(product::Entity)
            .col(ColumnDef::new(P::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(P::Sku).string_len(64).not_null())
            .col(ColumnDef::new(P::Name).string_len(200).not_null())
            .col(ColumnDef::new(P::PriceMinor).big_integer().not_null())
            .col(ColumnDef::new(P::Currency).string_len(3).not_null())
            .col(ColumnDef::new(P::Available).big_integer().not_null().check(not_negative(P::Available)))
            .col(ColumnDef::new(P::Reserved).big_integer().not_null().check(not_negative(P::Reserved)))
            .col(ColumnDef::new(P::Shipped).big_integer().not_null().check(not_negative(P::Shipped)))
            .col(ColumnDef::new(P::Version).big_integer().not_null())
            .col(ColumnDef::new(P::Sequence).big_integer().not_null())
            .col(ColumnDef::new(P::UpdatedAt).timestamp_with_time_zone().not_null())
            .to_owned();
        create(manager, Layout::Clustered, products).await?;
        let sku = Index::create().name("products_sku").table(product::Entity).col(P::Sku).to_owned();
        index(manager, sku).await?;

        let reservations = Table::create()
            .table(reservation::Entity)
            .col(ColumnDef::new(R::OrderId).uuid().not_null().primary_key())
            .col(ColumnDef::new(R::State).string_len(16).not_null())
            .col(ColumnDef::new(R::Lines).text().not_null())
            .col(ColumnDef::new(R::CreatedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(R::ExpiresAt).timestamp_with_time_zone())
            .col(ColumnDef::new(R::ExpiryReported).boolean().not_null())
            .col(ColumnDef::new(R::Sequence).big_integer().not_null())
            .to_owned();
        create(manager, Layout::Clustered, reservations).await?;

        // No index by product: the book is written in the order of time, at the cost of a page now and then, and an index
        // would be written all over with every order. Readers go back through the book instead.
        let movements = Table::create()
            .table(movement::Entity)
            .col(ColumnDef::new(M::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(M::ProductId).uuid().not_null())
            .col(ColumnDef::new(M::At).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(M::Kind).string_len(16).not_null())
            .col(ColumnDef::new(M::Quantity).big_integer().not_null())
            .col(ColumnDef::new(M::OrderId).uuid())
            .col(ColumnDef::new(M::Note).string_len(500))
            .to_owned();
        create(manager, Layout::Book, movements).await
    }
}
