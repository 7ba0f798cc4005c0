//! Those of a batch that look again when the rest is decided.

use std::collections::HashSet;

use uuid::Uuid;

use super::Source;

/// Events that have to wait for another, and those of the same key and topic behind them.
#[derive(Default)]
pub(super) struct Held<'a> {
    /// All of them, in order.
    pub places: Vec<usize>,
    /// The first of each queue.
    pub heads: HashSet<usize>,
    queues: HashSet<(Uuid, &'a str)>,
}

impl<'a> Held<'a> {
    pub fn add(&mut self, index: usize, (key, topic): (Uuid, &'a str)) {
        self.places.push(index);
        self.heads.insert(index);
        self.queues.insert((key, topic));
    }

    pub fn blocks(&self, key: Uuid, source: &'a Source) -> bool {
        matches!(source, Source::Event(record) if self.queues.contains(&(key, &*record.topic)))
    }
}
