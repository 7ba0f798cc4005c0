//! The tables these tests write.

use sea_orm::{DatabaseConnection, DbErr};
use sea_orm_migration::{
    SchemaManager,
    prelude::{ColumnDef, Expr, ExprTrait, Index, Table},
};
use store::schema::{Layout, create, index};

use crate::database::Database;

/// A key of two columns.
pub mod line {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "sheet_lines")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub sheet: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        pub text: Option<String>,
        pub amount: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A key that the database hands out.
pub mod entry {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "entries")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub text: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Everything whose type differs between engines.
pub mod sample {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "samples")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub id: Option<Uuid>,
        pub at: Option<DateTimeUtc>,
        pub yes: bool,
        pub small: i16,
        pub large: i64,
        pub text: String,
        pub bytes: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The tables, as a migration makes them.
async fn tables(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    use {entry::Column as E, line::Column as L, sample::Column as S};
    let lines = Table::create()
        .table(line::Entity)
        .col(ColumnDef::new(L::Sheet).uuid().not_null())
        .col(ColumnDef::new(L::Number).integer().not_null())
        .col(ColumnDef::new(L::Text).text())
        .col(ColumnDef::new(L::Amount).big_integer().not_null().check(Expr::col(L::Amount).gte(0)))
        .primary_key(Index::create().col(L::Sheet).col(L::Number))
        .to_owned();
    create(manager, Layout::Clustered, lines).await?;
    let entries = Table::create()
        .table(entry::Entity)
        .col(ColumnDef::new(E::Id).big_integer().not_null().auto_increment().primary_key())
        .col(ColumnDef::new(E::Text).string_len(100).not_null())
        .to_owned();
    create(manager, Layout::Heap, entries).await?;
    let samples = Table::create()
        .table(sample::Entity)
        .col(ColumnDef::new(S::Name).string_len(100).not_null().primary_key())
        .col(ColumnDef::new(S::Id).uuid())
        .col(ColumnDef::new(S::At).timestamp_with_time_zone())
        .col(ColumnDef::new(S::Yes).boolean().not_null())
        .col(ColumnDef::new(S::Small).small_integer().not_null())
        .col(ColumnDef::new(S::Large).big_integer().not_null())
        .col(ColumnDef::new(S::Text).text().not_null())
        .col(ColumnDef::new(S::Bytes).blob().not_null())
        .to_owned();
    create(manager, Layout::Clustered, samples).await?;
    index(manager, Index::create().name("entries_text").table(entry::Entity).col(E::Text).unique().to_owned()).await
}

pub type Key = (uuid::Uuid, i32);

pub fn key(sheet: u8, number: i32) -> Key {
    (uuid::Uuid::from_u128(sheet.into()), number)
}

pub fn line((sheet, number): Key, amount: i64) -> line::Model {
    line::Model { sheet, number, text: (amount % 3 > 0).then(|| format!("line of {amount}")), amount }
}

/// A database that has them.
pub async fn with_tables() -> Database {
    let database = Database::new();
    let outside: DatabaseConnection = sea_orm::Database::connect(database.url()).await.unwrap();
    tables(&SchemaManager::new(&outside)).await.unwrap();
    outside.close().await.unwrap();
    database
}
