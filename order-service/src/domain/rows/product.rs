use events::Currency;
use sea_orm::entity::prelude::*;

use super::Wire;

/// A product as the catalogue published it. New orders are checked against it.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub price_minor: i64,
    pub currency: Wire<Currency>,
    /// Of the newest `ProductChanged`; older events change nothing.
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
