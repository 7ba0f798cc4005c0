//! An input on its way through the runtime.

use crate::{Delivery, Verdict, source::Source};

/// What came in, where it came from, and what became of it.
pub(crate) struct Item<I> {
    pub delivery: Delivery<I>,
    pub source: Source,
    pub progress: Progress,
}

/// How far an attempt has got with an item.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Not looked at yet, or behind a held event of its key and topic.
    Waiting,
    /// The first decision was `Hold`: it is asked again when the rest of the batch is decided, because what it waits for
    /// may be in the batch.
    Held,
    Ended(Disposition),
}

/// How an input ended.
#[derive(Debug)]
pub(crate) enum Disposition {
    /// Decided, and the decision is durable.
    Decided(Verdict),
    /// Decided before.
    Repeated,
    /// A command that was answered before, with this reply.
    Replayed(String),
    /// The idempotency key belongs to another request.
    KeyReused,
    /// Set aside, durably.
    Parked,
    /// The command failed at every attempt; nothing of it is saved.
    Failed,
}

impl<I> Item<I> {
    pub fn new(delivery: Delivery<I>, source: Source) -> Self {
        Self { delivery, source, progress: Progress::Waiting }
    }

    /// Whether a decision has changed the state of the input's key.
    pub fn has_changed_state(&self) -> bool {
        matches!(self.progress, Progress::Ended(Disposition::Decided(Verdict::Done | Verdict::Answered(_))))
    }

    /// What became of the item is durable.
    pub fn committed(&mut self) {
        if let Progress::Ended(disposition) = std::mem::replace(&mut self.progress, Progress::Waiting) {
            self.source.committed(disposition);
        }
    }
}
