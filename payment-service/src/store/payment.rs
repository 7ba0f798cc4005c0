use events::Personal;
use saga::Seen;
use sea_orm::entity::prelude::*;
use store::Json;

use crate::domain::{Attempt, Entry, Repayment, State};

/// An order's payment, and everything that happened to it.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    pub payment_id: Uuid,
    pub state: State,
    /// Why it was declined.
    pub reason: Option<String>,
    /// How it is paid; like token and currency empty in a tombstone.
    pub method: String,
    pub token: Json<Personal<String>>,
    pub currency: String,
    pub amount_minor: i64,
    /// Paid back so far.
    pub refunded_minor: i64,
    pub shipped: bool,
    /// The provider's name for the charge.
    pub provider_reference: Option<String>,
    pub attempts: Json<Vec<Attempt>>,
    pub ledger: Json<Vec<Entry>>,
    pub refunds: Json<Vec<Repayment>>,
    /// Questions asked about a charge that was not answered.
    pub queries: i32,
    /// When it was first not answered.
    pub unknown_since: Option<DateTimeUtc>,
    /// The number of events published about it on `payment-updates`.
    pub sequence: i64,
    /// The events that are decided.
    #[sea_orm(nullable)]
    pub seen: Seen,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
