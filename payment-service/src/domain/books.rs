//! The records of a payment: its attempts, and a double-entry ledger of every movement of money.

use chrono::{DateTime, Utc};
use events::{Money, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rows::Payment;

/// A call to the provider, and its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PaymentAttempt)]
pub struct Attempt {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub operation: Operation,
    pub result: Result,
    pub detail: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = PaymentOperation)]
pub enum Operation {
    Charge,
    Query,
    Close,
    Refund,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = PaymentAttemptResult)]
pub enum Result {
    Ok,
    Declined,
    Unknown,
    Error,
}

/// One side of a movement of money. Each movement has two, and what one debits the other credits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LedgerEntry)]
pub struct Entry {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub account: Account,
    #[schema(value_type = String, example = "59.90")]
    pub debit: Money,
    #[schema(value_type = String, example = "0.00")]
    pub credit: Money,
    /// The idempotency key of the call that moved the money.
    pub cause: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = LedgerAccount)]
pub enum Account {
    /// Owed by the provider: charged less refunded.
    Provider,
    /// Charged to the customer.
    Charged,
    /// Refunded to the customer.
    Refunded,
}

/// The number of attempts kept: the first, and the latest.
const MAX_ATTEMPTS: usize = 50;

impl Payment {
    pub(super) fn record_attempt(&mut self, at: DateTime<Utc>, operation: Operation, result: Result, detail: &str) {
        if self.attempts.len() == MAX_ATTEMPTS {
            self.attempts.remove(1);
        }
        self.attempts.push(Attempt { at: at.into(), operation, result, detail: Some(detail.to_owned()) });
    }

    /// Moves an amount from the account `credit` to the account `debit`.
    pub(super) fn post(&mut self, at: DateTime<Utc>, debit: Account, credit: Account, amount: Money, cause: &str) {
        let entry = |account, debit, credit| Entry { at: at.into(), account, debit, credit, cause: cause.to_owned() };
        self.ledger.extend([entry(debit, amount, Money::ZERO), entry(credit, Money::ZERO, amount)]);
    }

    /// The balance of an account in hundredths: debits less credits.
    pub fn balance(&self, account: Account) -> i64 {
        let entries = self.ledger.iter().filter(|entry| entry.account == account);
        entries.map(|entry| entry.debit.minor() - entry.credit.minor()).sum()
    }
}
