use sea_orm::entity::prelude::*;

use crate::domain::MovementKind;

/// A line of the stock book: one change of one product's stock, and why.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "movements")]
pub struct Model {
    /// Rises with time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub product_id: Uuid,
    pub at: DateTimeUtc,
    pub kind: MovementKind,
    /// Units; negative only for a correction.
    pub quantity: i64,
    pub order_id: Option<Uuid>,
    pub note: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
