//! What is written down about a payment: every attempt, and every movement of money by double entry.

use chrono::{DateTime, Utc};
use events::{Money, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::Payment;

/// One call to the provider, and what came of it.
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
    /// The key of the call that moved it.
    pub cause: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = LedgerAccount)]
pub enum Account {
    /// What the provider owes us: charged less paid back.
    Provider,
    /// What was taken from the customer.
    Charged,
    /// What was paid back.
    Refunded,
}

/// Attempts kept: the first, and the latest.
const MOST_ATTEMPTS: usize = 50;

impl Payment {
    pub(super) fn attempted(&mut self, at: DateTime<Utc>, operation: Operation, result: Result, detail: &str) {
        if self.attempts.len() == MOST_ATTEMPTS {
            self.attempts.remove(1);
        }
        self.attempts.push(Attempt { at: at.into(), operation, result, detail: Some(detail.to_owned()) });
    }

    /// Moves money: `debit` has more of it afterwards, `credit` has given it.
    pub(super) fn post(&mut self, at: DateTime<Utc>, debit: Account, credit: Account, amount: Money, cause: &str) {
        let entry = |account, debit, credit| Entry { at: at.into(), account, debit, credit, cause: cause.to_owned() };
        self.ledger.extend([entry(debit, amount, Money::ZERO), entry(credit, Money::ZERO, amount)]);
    }

    /// What an account has, in hundredths: debits less credits.
    pub fn balance(&self, account: Account) -> i64 {
        let entries = self.ledger.iter().filter(|entry| entry.account == account);
        entries.map(|entry| entry.debit.minor() - entry.credit.minor()).sum()
    }
}
