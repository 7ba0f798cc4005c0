use sea_orm::entity::prelude::*;
use store::Json;

use crate::domain::{Bucket, Sales};

/// The sales of one shard of the products, by orders placed in one minute, hour or day.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sales")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket: Bucket,
    /// Start of the bucket.
    #[sea_orm(primary_key, auto_increment = false)]
    pub at: DateTimeUtc,
    /// The shard of the products: see `Sales::shard`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub shard: i16,
    pub sales: Json<Sales>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
