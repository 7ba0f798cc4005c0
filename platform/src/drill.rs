//! Drills: a suite is worth what it notices. A service can be told to work without one of its safeguards, and the suite must
//! then fail. Only tests do this; nothing in the configuration leads here.

use std::time::Duration;

/// What keeps a room from deciding twice, or from losing what it has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safeguard {
    /// Repeats are recognised.
    Inbox,
    /// What is decided and that it is decided are saved together. Without: the inbox is written after the commit.
    InboxInTransaction,
    /// What is decided and what is said about it are saved together. Without: the outbox is written after the commit.
    OutboxInTransaction,
}

/// How a service differs from its normal work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drill {
    pub without: Option<Safeguard>,
    /// How often what is due is looked for.
    pub look: Duration,
}

impl Default for Drill {
    fn default() -> Self {
        Self { without: None, look: Duration::from_millis(500) }
    }
}
