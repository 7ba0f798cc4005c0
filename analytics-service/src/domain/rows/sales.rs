use sea_orm::entity::prelude::*;
use store::Json;

use crate::domain::{Bucket, Sales};

/// What orders placed in a minute, an hour or a day have sold of some of the products.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sales")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket: Bucket,
    #[sea_orm(primary_key, auto_increment = false)]
    pub at: DateTimeUtc,
    /// Which products: see `Sales::shard`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub shard: i16,
    pub sales: Json<Sales>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
