use events::{Currency, OrderEndReason, OrderStatus};
use saga::Seen;
use sea_orm::entity::prelude::*;
use store::Json;

use super::Wire;
use crate::domain::Progress;

/// An order without its [`details`](super::details). The lock of this row serialises all decisions about the order.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub struct Model {
    /// UUID v7: rises with time, so lists are sorted by it.
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
    /// Of the request that placed the order.
    pub trace_id: String,
    pub progress: Json<Progress>,
    /// The events that are decided.
    #[sea_orm(nullable)]
    pub seen: Seen,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The short columns of an order, for lists and status queries.
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
