//! The schema. Every query uses the primary key: no table has another index.

use sea_orm_migration::prelude::*;
use store::schema::{Layout, create};

use crate::domain::rows::{figures, order, product, sales};

/// All migrations, in order.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Analytics1)]
    }

    fn migration_table_name() -> DynIden {
        "service_migrations".into_iden()
    }
}

struct Analytics1;

impl MigrationName for Analytics1 {
    fn name(&self) -> &'static str {
        "m0001_analytics"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Analytics1 {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let orders = Table::create()
            .table(order::Entity)
            .col(ColumnDef::new(order::Column::OrderId).uuid().not_null().primary_key())
            .col(ColumnDef::new(order::Column::Facts).text().not_null())
            .to_owned();
        create(manager, Layout::Clustered, orders).await?;

        let products = Table::create()
            .table(product::Entity)
            .col(ColumnDef::new(product::Column::ProductId).uuid().not_null().primary_key())
            .col(ColumnDef::new(product::Column::Name).text().not_null())
            .col(ColumnDef::new(product::Column::Version).big_integer().not_null())
            .to_owned();
        create(manager, Layout::Clustered, products).await?;

        let figures = Table::create()
            .table(figures::Entity)
            .col(ColumnDef::new(figures::Column::Bucket).integer().not_null())
            .col(ColumnDef::new(figures::Column::At).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(figures::Column::Figures).text().not_null())
            .primary_key(Index::create().col(figures::Column::Bucket).col(figures::Column::At))
            .to_owned();
        create(manager, Layout::Clustered, figures).await?;

        let sales = Table::create()
            .table(sales::Entity)
            .col(ColumnDef::new(sales::Column::Bucket).integer().not_null())
            .col(ColumnDef::new(sales::Column::At).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(sales::Column::Shard).small_integer().not_null())
            .col(ColumnDef::new(sales::Column::Sales).text().not_null())
            .primary_key(Index::create().col(sales::Column::Bucket).col(sales::Column::At).col(sales::Column::Shard))
            .to_owned();
        create(manager, Layout::Clustered, sales).await
    }
}
