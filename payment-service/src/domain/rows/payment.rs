use events::Personal;
use saga::Seen;
use sea_orm::entity::prelude::*;
use store::Json;

use crate::domain::{Attempt, Entry, Repayment, State};

/// An order's payment with its attempts, ledger and refunds.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    pub payment_id: Uuid,
    pub state: State,
    /// Why the charge was declined.
    pub reason: Option<String>,
    /// The payment method. Method, token and currency are empty in a tombstone.
    pub method: String,
    pub token: Json<Personal<String>>,
    pub currency: String,
    pub amount_minor: i64,
    /// The sum of completed refunds.
    pub refunded_minor: i64,
    pub shipped: bool,
    /// The provider's reference of the charge.
    pub provider_reference: Option<String>,
    pub attempts: Json<Vec<Attempt>>,
    pub ledger: Json<Vec<Entry>>,
    pub refunds: Json<Vec<Repayment>>,
    /// The number of queries about unknown charges.
    pub queries: i32,
    /// When the outcome of the charge first became unknown.
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
