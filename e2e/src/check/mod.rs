//! The checker compares the answers that the shop received with the state of the system, and both
//! with the ledgers of the sandbox's provider and carrier. It does not depend on the implementation
//! of the system.
//!
//! The rules are pure functions over [`Facts`]. [`collect`](mod@collect) gets the facts over HTTP
//! once the system is idle. Tests feed each rule with facts that violate it.

use std::fmt;

use uuid::Uuid;

pub mod collect;
pub mod facts;
pub mod leftovers;
mod rules;
#[cfg(test)]
mod tests;

pub use collect::{Depth, collect, settle};
pub use facts::Facts;

use crate::{client::CallError, shop::History};

/// A violation of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Name of the rule.
    pub rule: &'static str,
    /// The order concerned, if the violation concerns a single one.
    pub order: Option<Uuid>,
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.order {
            Some(order) => write!(f, "{} (order {order}): {}", self.rule, self.detail),
            None => write!(f, "{}: {}", self.rule, self.detail),
        }
    }
}

/// Why the check failed.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(transparent)]
    Call(#[from] CallError),
    /// The rules about leftovers cannot be evaluated.
    #[error("outbox messages, parked records and dead letters are unknown: {0}")]
    Unasked(#[from] leftovers::Unasked),
    /// The system makes no progress and is not idle.
    #[error("no progress within {seconds} s: {pending}")]
    NoProgress { seconds: u64, pending: String },
    #[error("{} rules are broken:\n{}", .0.len(), listed(.0))]
    Broken(Vec<Violation>),
}

/// Evaluates all rules.
pub fn violations(facts: &Facts) -> Vec<Violation> {
    let mut found = Findings::default();
    rules::orders::check(facts, &mut found);
    rules::agreement::check(facts, &mut found);
    rules::money::check(facts, &mut found);
    rules::stock::check(facts, &mut found);
    rules::shipping::check(facts, &mut found);
    rules::messages::check(facts, &mut found);
    rules::analytics::check(facts, &mut found);
    rules::leftovers::check(facts, &mut found);
    found.0
}

/// Waits until the system is idle, collects the facts and evaluates the rules.
pub async fn check(client: &crate::client::Client, history: History, depth: Depth<'_>) -> Result<Facts, CheckError> {
    settle(client, &history, depth).await?;
    collect::collect_clean(client, &history, depth).await
}

/// Collects the violations.
#[derive(Debug, Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn add(&mut self, rule: &'static str, order: impl Into<Option<Uuid>>, detail: impl Into<String>) {
        self.0.push(Violation { rule, order: order.into(), detail: detail.into() });
    }

    /// Adds a violation unless the condition holds.
    fn expect(&mut self, holds: bool, rule: &'static str, order: impl Into<Option<Uuid>>, detail: impl Into<String>) {
        if !holds {
            self.add(rule, order, detail);
        }
    }
}

fn listed(violations: &[Violation]) -> String {
    const SHOWN: usize = 40;
    let mut text: Vec<String> = violations.iter().take(SHOWN).map(|violation| format!("- {violation}")).collect();
    if violations.len() > SHOWN {
        text.push(format!("- and {} more", violations.len() - SHOWN));
    }
    text.join("\n")
}
