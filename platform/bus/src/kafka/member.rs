//! The readers: members of groups, and followers.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tracing::warn;

use super::shared::Shared;
use crate::{BusError, Follower, Position, Record, Subscription, Taken};

/// How long leaving a group may take. librdkafka can hang in it.
pub(super) const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Stops the consumer's thread when dropped.
struct ThreadHandle(Arc<Shared>);

impl Drop for ThreadHandle {
    fn drop(&mut self) {
        self.0.stop();
    }
}

pub(super) struct Member(ThreadHandle);

impl Member {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self(ThreadHandle(shared))
    }
}

impl Subscription for Member {
    fn next(&mut self, most: usize) -> BoxFuture<'_, Result<Taken, BusError>> {
        Box::pin(self.0.0.next(most))
    }

    /// Positions reach Kafka within a quarter of a second, and before the partition is revoked or the member leaves.
    fn commit<'a>(&'a mut self, upto: &'a [Position]) -> BoxFuture<'a, Result<(), BusError>> {
        self.0.0.commit(upto);
        Box::pin(std::future::ready(Ok(())))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.0.0.stop();
            if tokio::time::timeout(LEAVE_TIMEOUT, self.0.0.ended()).await.is_err() {
                warn!(group = self.0.0.group, "leaving the group takes too long; it continues in the background");
            }
        })
    }
}

pub(super) struct Tail(ThreadHandle);

impl Tail {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self(ThreadHandle(shared))
    }
}

impl Follower for Tail {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Record>, BusError>> {
        Box::pin(async move {
            loop {
                let taken = self.0.0.next(usize::MAX).await?;
                if !taken.records.is_empty() {
                    return Ok(taken.records);
                }
            }
        })
    }
}
