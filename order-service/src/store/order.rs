use events::{Currency, OrderEndReason, OrderStatus};
use sea_orm::entity::prelude::*;
use store::Json;

use super::Wire;
use crate::domain::Progress;

/// An order, all of it but its [`details`](super::details): the row whose lock decides which of two things that race for an order comes first.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub struct Model {
    /// UUID v7: rises with time, so lists are in the order of this.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub customer_id: Uuid,
    pub status: Wire<OrderStatus>,
    pub reason: Option<Wire<OrderEndReason>>,
    /// Counts transitions.
    pub version: i64,
    pub currency: Wire<Currency>,
    pub total_minor: i64,
    pub created_at: DateTimeUtc,
    /// Of the last transition.
    pub updated_at: DateTimeUtc,
    /// Of the request that placed it.
    pub trace_id: String,
    pub progress: Json<Progress>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// An order without what fills its row: enough for lists and status.
#[derive(Clone, Debug, PartialEq, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub struct OrderSummary {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub status: Wire<OrderStatus>,
    pub reason: Option<Wire<OrderEndReason>>,
    pub version: i64,
    pub currency: Wire<Currency>,
    pub total_minor: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}
