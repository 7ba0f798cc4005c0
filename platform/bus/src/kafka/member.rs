//! Who reads: members of groups, and followers.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tracing::warn;

use super::shared::Shared;
use crate::{BusError, Follower, Position, Record, Subscription, Taken};

/// How long the library may take to leave a group. It has been seen to hang.
pub(super) const LEAVING: Duration = Duration::from_secs(5);

/// Ends the thread when it is dropped.
struct Held(Arc<Shared>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.stop();
    }
}

pub(super) struct Member(Held);

impl Member {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self(Held(shared))
    }
}

impl Subscription for Member {
    fn next(&mut self, most: usize) -> BoxFuture<'_, Result<Taken, BusError>> {
        Box::pin(self.0.0.next(most))
    }

    /// Reaches Kafka within a quarter of a second, and before the partition is given away or the member leaves.
    fn commit<'a>(&'a mut self, upto: &'a [Position]) -> BoxFuture<'a, Result<(), BusError>> {
        self.0.0.commit(upto);
        Box::pin(std::future::ready(Ok(())))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.0.0.stop();
            if tokio::time::timeout(LEAVING, self.0.0.ended()).await.is_err() {
                warn!(group = self.0.0.group, "leaving the group takes too long; it goes on by itself");
            }
        })
    }
}

pub(super) struct Tail(Held);

impl Tail {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self(Held(shared))
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
