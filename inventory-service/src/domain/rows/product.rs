use sea_orm::entity::prelude::*;

/// A product and its stock. Each unit is in exactly one of `available`, `reserved` and `shipped`; none of them is ever
/// negative (also a constraint).
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub sku: String,
    pub name: String,
    pub price_minor: i64,
    pub currency: String,
    pub available: i64,
    pub reserved: i64,
    pub shipped: i64,
    /// Rises when sku, name or price change.
    pub version: i64,
    /// The number of events published for the product on `catalog`.
    pub sequence: i64,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
