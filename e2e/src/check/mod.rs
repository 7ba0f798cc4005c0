//! The checker: holds what the shop was promised against what the system says, and both against what the outside world
//! (provider, carrier) believes happened. It knows nothing of how the system works inside.
//!
//! The rules are pure functions over [`Facts`]; [`collect`](mod@collect) gets the facts over HTTP once nothing moves
//! any more. A checker that passes a broken system is worthless, so each rule has tests that feed it broken facts.

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

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Which rule.
    pub rule: &'static str,
    /// The order it is about, where it is about one.
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

/// Why there is no clean bill of health.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(transparent)]
    Call(#[from] CallError),
    /// A rule cannot be judged.
    #[error("what is left in outboxes, parked or dead letters is not known: {0}")]
    Unasked(#[from] leftovers::Unasked),
    /// Something still moves, or is stuck.
    #[error("not at rest within {seconds} s: {moving}")]
    Restless { seconds: u64, moving: String },
    #[error("{} rules are broken:\n{}", .0.len(), listed(.0))]
    Broken(Vec<Violation>),
}

/// Every rule over these facts.
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

/// Waits until nothing moves, collects, and judges.
pub async fn check(client: &crate::client::Client, history: History, depth: Depth<'_>) -> Result<Facts, CheckError> {
    settle(client, &history, depth).await?;
    collect::collect_clean(client, &history, depth).await
}

/// What the rules write into.
#[derive(Debug, Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn add(&mut self, rule: &'static str, order: impl Into<Option<Uuid>>, detail: impl Into<String>) {
        self.0.push(Violation { rule, order: order.into(), detail: detail.into() });
    }

    /// Adds it unless the condition holds.
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
