use sea_orm::entity::prelude::*;

/// The number of events published about an order on `notification-updates`. It has a row of its own because it changes with
/// every message, and the contact never does. The table keeps its stored name, `said`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "said")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    pub sequence: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
