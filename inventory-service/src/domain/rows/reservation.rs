use saga::Seen;
use sea_orm::entity::prelude::*;
use store::Json;

use crate::domain::{Line, State};

/// The stock an order asked for, and the state of the reservation.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "reservations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    pub state: State,
    pub lines: Json<Vec<Line>>,
    pub created_at: DateTimeUtc,
    /// Set only in state `Reserved`.
    pub expires_at: Option<DateTimeUtc>,
    pub expiry_reported: bool,
    /// The number of events published about it on `inventory-updates`.
    pub sequence: i64,
    /// The events that are decided.
    #[sea_orm(nullable)]
    pub seen: Seen,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
