use sea_orm::entity::prelude::*;
use store::Json;

use crate::domain::{Bucket, Figures};

/// The figures of all orders placed in one minute, hour or day.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "figures")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket: Bucket,
    /// Start of the bucket.
    #[sea_orm(primary_key, auto_increment = false)]
    pub at: DateTimeUtc,
    pub figures: Json<Figures>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
