//! The rules. Pure: no async, database, clock or random numbers.

mod books;
mod calls;
mod charge;
mod events;
mod refund;

use sea_orm::{DeriveActiveEnum, EnumIter, sea_query::StringLen};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use books::{Account, Attempt, Entry, Operation, Result};
pub use calls::{Charge, ChargeAnswer, CloseAnswer, CloseCharge, Found, QueryCharge, Refund, Refunded, charge_key};
pub use events::{OrderCreated, PaymentDetails};
pub use refund::{RefundAccepted, RefundPayment, RefundRefusal, Repayment};

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, EnumIter, DeriveActiveEnum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = PaymentStatus)]
pub enum State {
    /// Amount and token are known; the stock is not reserved yet.
    Noted,
    /// The charge is with the provider.
    Charging,
    /// It may have been charged: the provider is being asked.
    Unknown,
    /// The order was cancelled while the charge was in flight or unknown: the provider is asked to close it.
    CancelWait,
    /// Charged; parts may have been paid back.
    Charged,
    /// All that was left is being paid back.
    Refunding,
    /// Everything has been paid back.
    Refunded,
    /// The provider declined: nothing was charged.
    Declined,
    /// Nothing was charged, and nothing ever will be.
    Voided,
}
