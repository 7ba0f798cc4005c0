//! The cache of order statuses: serves status queries and wakes the event streams.
//!
//! An order enters the cache with its first query. Transitions decided by this instance invalidate its entry before they are
//! saved; transitions of all instances invalidate it when they are published. A version below the newest known one is never
//! served: the database is read instead.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bus::Record;
use events::topic;
use saga::App;
use serde::Deserialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use crate::domain::OrderStatusView;

/// The maximum number of cached orders; watched orders are kept beyond it.
const MAX_ORDERS: usize = 10_000;

/// The delay before the topic is followed again after an error.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Cheap to clone; clones share one cache.
#[derive(Debug, Clone, Default)]
pub struct Statuses(Arc<Mutex<Inner>>);

/// A status, and the customer who may see it.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedStatus {
    pub customer_id: Uuid,
    pub status: OrderStatusView,
}

#[derive(Debug, Default)]
struct Inner {
    /// Whether the topic is followed. Otherwise transitions of other instances are missed, so nothing is cached.
    following: bool,
    orders: HashMap<Uuid, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// The newest version known to exist. Older versions are not served.
    newest: i64,
    cached: Option<CachedStatus>,
    /// The newest published version.
    published: watch::Sender<i64>,
}

impl Statuses {
    /// The cached status; `None` when the database has to be read.
    pub fn get(&self, order: Uuid) -> Option<CachedStatus> {
        self.lock().orders.get(&order)?.cached.clone()
    }

    /// Call before the order's status is read from the database: from now on its transitions are tracked.
    pub fn expect(&self, order: Uuid) {
        self.lock().entry(order);
    }

    /// Caches what was read from the database, unless a newer version is known.
    pub fn keep(&self, read: CachedStatus) {
        let mut all = self.lock();
        let following = all.following;
        if let Some(entry) = all.orders.get_mut(&read.status.order_id)
            && following
            && read.status.version >= entry.newest
        {
            entry.newest = read.status.version;
            entry.cached = Some(read);
        }
    }

    /// Call when this instance has decided that the order has this version, before the decision is saved.
    pub fn decided(&self, order: Uuid, version: i64) {
        if let Some(entry) = self.lock().orders.get_mut(&order) {
            entry.observe(version);
        }
    }

    /// Signals each newer published version of the order, and when versions may have been missed.
    pub fn watch(&self, order: Uuid) -> watch::Receiver<i64> {
        self.lock().entry(order).published.subscribe()
    }

    /// Follows `order-status` until the service stops.
    pub async fn follow(self, app: App, stopping: CancellationToken) {
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                failed = self.follow_once(&app) => warn!(error = %failed, "following order statuses failed"),
            }
            self.lock().set_following(false);
            tokio::select! { () = stopping.cancelled() => return, () = tokio::time::sleep(RETRY_INTERVAL) => {} }
        }
    }

    async fn follow_once(&self, app: &App) -> bus::BusError {
        let mut follower = match app.follow(&[topic::ORDER_STATUS]).await {
            Ok(follower) => follower,
            Err(error) => return error,
        };
        self.lock().set_following(true);
        loop {
            match follower.next().await {
                Ok(records) => self.lock().apply(&records),
                Err(error) => return error,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fields read from `OrderStatusChanged`.
#[derive(Deserialize)]
struct Changed {
    version: i64,
}

impl Inner {
    fn entry(&mut self, order: Uuid) -> &mut Entry {
        if self.orders.len() >= MAX_ORDERS && !self.orders.contains_key(&order) {
            self.orders.retain(|_, entry| entry.published.receiver_count() > 0);
        }
        self.orders.entry(order).or_insert_with(|| Entry { newest: 0, cached: None, published: watch::Sender::new(0) })
    }

    /// Skips orders that are not cached without decoding their events.
    fn apply(&mut self, records: &[Record]) {
        for record in records {
            let key = Uuid::try_parse_ascii(&record.message.key).ok();
            let Some(entry) = key.and_then(|order| self.orders.get_mut(&order)) else { continue };
            let Ok(Changed { version }) = serde_json::from_slice(&record.message.value) else { continue };
            entry.observe(version);
            entry.published.send_if_modified(|published| {
                let newer = version > *published;
                *published = version.max(*published);
                newer
            });
        }
    }

    /// Versions may have been missed at a change: clears the cached statuses and wakes every watch, so that the database is
    /// read again.
    fn set_following(&mut self, following: bool) {
        self.following = following;
        for entry in self.orders.values_mut() {
            entry.cached = None;
            entry.published.send_modify(|_| {});
        }
    }
}

impl Entry {
    fn observe(&mut self, version: i64) {
        self.newest = self.newest.max(version);
        if self.cached.as_ref().is_some_and(|cached| cached.status.version < self.newest) {
            self.cached = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bus::Message;
    use events::{OrderStatus, Timestamp};

    use super::*;

    const ORDER: Uuid = Uuid::from_u128(9);

    fn following() -> Statuses {
        let statuses = Statuses::default();
        statuses.lock().set_following(true);
        statuses
    }
    fn at(version: i64) -> CachedStatus {
        let (status, updated_at) = (OrderStatus::Pending, Timestamp::default());
        let status =
            OrderStatusView { order_id: ORDER, status, status_text: String::new(), reason: None, version, updated_at };
        CachedStatus { customer_id: Uuid::nil(), status }
    }
    fn version(statuses: &Statuses) -> Option<i64> {
        statuses.get(ORDER).map(|cached| cached.status.version)
    }
    fn published(statuses: &Statuses, version: i64) {
        let (key, value) = (ORDER.to_string().into(), format!("{{\"version\":{version}}}").into());
        let message = Arc::new(Message { key, headers: vec![], value });
        statuses.lock().apply(&[Record { topic: topic::ORDER_STATUS.into(), partition: 0, offset: 0, message }]);
    }

    #[test]
    fn a_cached_status_is_served_until_a_newer_version_is_known() {
        let statuses = following();
        statuses.expect(ORDER);
        statuses.keep(at(1));
        assert_eq!(version(&statuses), Some(1));
        published(&statuses, 1);
        assert_eq!(version(&statuses), Some(1), "the same version invalidates nothing");
        published(&statuses, 2);
        assert_eq!(version(&statuses), None);
        statuses.keep(at(2));
        statuses.decided(ORDER, 3);
        assert_eq!(version(&statuses), None, "before it is saved");
    }

    #[test]
    fn a_status_older_than_a_known_version_is_not_cached() {
        for observe in [published, |statuses: &Statuses, version| statuses.decided(ORDER, version)] {
            let statuses = following();
            statuses.expect(ORDER);
            observe(&statuses, 2); // during the read
            statuses.keep(at(1));
            assert_eq!(version(&statuses), None);
            statuses.keep(at(2));
            assert_eq!(version(&statuses), Some(2));
        }
    }

    #[test]
    fn nothing_is_cached_unexpected_or_while_the_topic_is_not_followed() {
        let statuses = following();
        statuses.keep(at(1));
        assert_eq!(version(&statuses), None);
        statuses.expect(ORDER);
        statuses.keep(at(1));
        statuses.lock().set_following(false);
        assert_eq!(version(&statuses), None);
        statuses.keep(at(1));
        assert_eq!(version(&statuses), None);
    }

    #[test]
    fn watches_are_woken_and_survive_a_full_cache() {
        let statuses = following();
        let mut watch = statuses.watch(ORDER);
        for id in 100..100 + 2 * u128::try_from(MAX_ORDERS).unwrap() {
            statuses.expect(Uuid::from_u128(id));
        }
        assert!(statuses.lock().orders.len() <= MAX_ORDERS && statuses.lock().orders.contains_key(&ORDER));
        published(&statuses, 2);
        assert!(watch.has_changed().unwrap());
        assert_eq!(*watch.borrow_and_update(), 2);
        published(&statuses, 1);
        assert!(!watch.has_changed().unwrap());
        statuses.lock().set_following(true);
        assert!(watch.has_changed().unwrap(), "versions may have been missed");
    }
}
