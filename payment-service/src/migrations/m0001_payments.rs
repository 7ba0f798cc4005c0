use sea_orm_migration::{prelude::*, sea_orm::DbErr};
use store::schema::{Layout, create};

use crate::domain::rows::payment;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use payment::Column as C;
        // No more is refunded than was charged. The rule is in `domain`; the constraint catches defects.
        let refunded = Expr::col(C::RefundedMinor);
        let within = refunded.clone().gte(0).and(refunded.lte(Expr::col(C::AmountMinor)));
        let payments = Table::create()
            .table(payment::Entity)
            .col(ColumnDef::new(C::OrderId).uuid().not_null().primary_key())
            .col(ColumnDef::new(C::PaymentId).uuid().not_null())
            .col(ColumnDef::new(C::State).string_len(16).not_null())
            .col(ColumnDef::new(C::Reason).string_len(64))
            .col(ColumnDef::new(C::Method).string_len(64).not_null())
            .col(ColumnDef::new(C::Token).text().not_null())
            .col(ColumnDef::new(C::Currency).string_len(3).not_null())
            .col(ColumnDef::new(C::AmountMinor).big_integer().not_null().check(Expr::col(C::AmountMinor).gte(0)))
            .col(ColumnDef::new(C::RefundedMinor).big_integer().not_null())
            .col(ColumnDef::new(C::Shipped).boolean().not_null())
            .col(ColumnDef::new(C::ProviderReference).string_len(255))
            .col(ColumnDef::new(C::Attempts).text().not_null())
            .col(ColumnDef::new(C::Ledger).text().not_null())
            .col(ColumnDef::new(C::Refunds).text().not_null())
            .col(ColumnDef::new(C::Queries).integer().not_null())
            .col(ColumnDef::new(C::UnknownSince).timestamp_with_time_zone())
            .col(ColumnDef::new(C::Sequence).big_integer().not_null())
            .check(within)
            .to_owned();
        create(manager, Layout::Clustered, payments).await
    }
}
