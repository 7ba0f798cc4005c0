//! Whose fault is it? A batch that fails is divided until the input that makes it fail stands alone.

use tracing::error;

use super::{Deferred, Item, Runtime, transaction::Failure};
use crate::{Participant, Stopped, dead_letter::queues::Head};

impl<P: Participant> Runtime<P> {
    /// Decides about all items, in order. Waits while the database is unavailable; an item that fails is deferred, and the
    /// others go on without it.
    ///
    /// # Errors
    /// `Stopped`: the database is away and the process shuts down. What is not decided then comes again: its offset is not
    /// committed, its row is still stored, its caller is told that it failed.
    pub(crate) async fn process(&mut self, mut items: Vec<Item<P::Input>>) -> Result<(), Stopped> {
        self.parked.begin_round();
        let whole = 0..items.len();
        let mut parts = vec![whole]; // the last comes first
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let Some(failure) = self.decide_until_committed(&mut items[part.clone()]).await? else { continue };
            let split = match failure {
                _ if part.len() == 1 => 0,
                // What comes before the offender goes first. Then the offender is at the head of its part.
                Failure::Decision { index, .. } => index,
                Failure::Store(_) | Failure::Commit { .. } | Failure::Panic(_) => part.len() / 2,
            };
            if split > 0 {
                let middle = part.start + split;
                parts.extend([middle..part.end, part.start..middle]);
                continue;
            }
            parts.push(part.start + 1..part.end);
            self.defer(&mut items[part.start], &failure.message()).await?;
        }
        Ok(())
    }

    /// The item cannot be decided now. It is not lost, and holds up only its own successors.
    async fn defer(&mut self, item: &mut Item<P::Input>, why: &str) -> Result<(), Stopped> {
        let Item { delivery, source, .. } = item;
        error!(service = self.config.service, source = ?delivery.source, order.id = %delivery.key, error = why, "an input failed and is deferred");
        let Some(deferred) = source.defer(delivery, why, &self.config) else { return Ok(()) };
        let written = self.retry_until_committed(&deferred).await;
        if let Deferred::Park(changes) = deferred {
            for row in changes.changed {
                self.parked.block(row.queue(), Head::from(&row));
            }
        }
        written
    }
}
