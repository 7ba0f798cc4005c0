//! The rules. Pure: no async, database, clock or random numbers.

mod books;
mod calls;
mod charge;
mod events;
mod refund;
pub mod rows;
mod rules;

use sea_orm::{DeriveActiveEnum, EnumIter, sea_query::StringLen};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use books::{Account, Attempt, Entry, Operation, Result};
pub use calls::{Charge, ChargeAnswer, CloseAnswer, CloseCharge, Found, QueryCharge, Refund, Refunded, charge_key};
pub use events::{OrderCreated, PaymentDetails};
pub use refund::{RefundAccepted, RefundPayment, RefundRefusal, Repayment};
pub use rows::Payments;
pub use rules::PaymentRules;

/// The state of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, EnumIter, DeriveActiveEnum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = PaymentStatus)]
pub enum State {
    /// Amount and token are recorded; the stock is not reserved yet.
    Noted,
    /// The charge is requested.
    Charging,
    /// The outcome of the charge is unknown: the provider is queried.
    Unknown,
    /// The order was cancelled while the charge was in flight or unknown: closing its key is requested.
    CancelWait,
    /// Charged; parts may have been refunded.
    Charged,
    /// A refund of everything that was left is requested.
    Refunding,
    /// Everything is refunded.
    Refunded,
    /// The provider declined: nothing was charged.
    Declined,
    /// Nothing was charged, and nothing ever will be.
    Voided,
}
