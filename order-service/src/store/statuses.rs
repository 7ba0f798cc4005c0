//! Statuses in memory: what status queries are answered from, and what wakes those who follow an order.
//!
//! Orders enter when somebody asks for them. From then on the cache hears of every transition: of this instance's own
//! before they are saved, of every instance's when they are published. It never answers with anything older than it has
//! heard of; then the database is asked.

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

/// Orders in memory at most, but for those that are being followed.
const MAX_ORDERS: usize = 10_000;

/// How long it waits before it follows again when that did not work.
const AGAIN: Duration = Duration::from_millis(500);

/// Cheap to clone; all clones are the same cache.
#[derive(Debug, Clone, Default)]
pub struct Statuses(Arc<Mutex<Inner>>);

/// A status, and who may see it.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownStatus {
    pub customer_id: Uuid,
    pub status: OrderStatusView,
}

#[derive(Debug, Default)]
struct Inner {
    /// The topic is being followed. Otherwise other instances' transitions would go unnoticed, and nothing is kept.
    following: bool,
    orders: HashMap<Uuid, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// Nothing older counts.
    heard: i64,
    known: Option<KnownStatus>,
    /// The newest version that was published.
    published: watch::Sender<i64>,
}

impl Statuses {
    /// What is known for certain.
    pub fn get(&self, order: Uuid) -> Option<KnownStatus> {
        self.lock().orders.get(&order)?.known.clone()
    }

    /// Somebody is going to read this order's status from the database: from now on it is noted what is heard of it.
    pub fn expect(&self, order: Uuid) {
        self.lock().entry(order);
    }

    /// What the database said. Kept unless something newer was heard of meanwhile.
    pub fn keep(&self, known: KnownStatus) {
        let mut all = self.lock();
        let following = all.following;
        if let Some(entry) = all.orders.get_mut(&known.status.order_id)
            && following
            && known.status.version >= entry.heard
        {
            entry.heard = known.status.version;
            entry.known = Some(known);
        }
    }

    /// This instance has decided that the order is at this version now, and is about to save that.
    pub fn decided(&self, order: Uuid, version: i64) {
        if let Some(entry) = self.lock().orders.get_mut(&order) {
            entry.hear(version);
        }
    }

    /// Tells the newest version of an order whenever it is published, or anything may have been missed.
    pub fn watch(&self, order: Uuid) -> watch::Receiver<i64> {
        self.lock().entry(order).published.subscribe()
    }

    /// Follows `order-status` until the service stops.
    pub async fn follow(self, app: App, stopping: CancellationToken) {
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                failed = self.follow_once(&app) => warn!(error = %failed, "order statuses are not followed now"),
            }
            self.lock().follows(false);
            tokio::select! { () = stopping.cancelled() => return, () = tokio::time::sleep(AGAIN) => {} }
        }
    }

    async fn follow_once(&self, app: &App) -> bus::BusError {
        let mut follower = match app.follow(&[topic::ORDER_STATUS]).await {
            Ok(follower) => follower,
            Err(error) => return error,
        };
        self.lock().follows(true);
        loop {
            match follower.next().await {
                Ok(records) => self.lock().hear(&records),
                Err(error) => return error,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of `OrderStatusChanged`.
#[derive(Deserialize)]
struct Changed {
    version: i64,
}

impl Inner {
    fn entry(&mut self, order: Uuid) -> &mut Entry {
        if self.orders.len() >= MAX_ORDERS && !self.orders.contains_key(&order) {
            self.orders.retain(|_, entry| entry.published.receiver_count() > 0);
        }
        self.orders.entry(order).or_insert_with(|| Entry { heard: 0, known: None, published: watch::Sender::new(0) })
    }

    /// Only of orders somebody has asked for: all others' events are not even read.
    fn hear(&mut self, records: &[Record]) {
        for record in records {
            let key = Uuid::try_parse_ascii(&record.message.key).ok();
            let Some(entry) = key.and_then(|order| self.orders.get_mut(&order)) else { continue };
            let Ok(Changed { version }) = serde_json::from_slice(&record.message.value) else { continue };
            entry.hear(version);
            entry.published.send_if_modified(|newest| {
                let newer = version > *newest;
                *newest = version.max(*newest);
                newer
            });
        }
    }

    /// When it begins or ends to follow, something may have been missed: nothing that is known counts any more, and those
    /// who follow an order look for themselves.
    fn follows(&mut self, following: bool) {
        self.following = following;
        for entry in self.orders.values_mut() {
            entry.known = None;
            entry.published.send_modify(|_| {});
        }
    }
}

impl Entry {
    fn hear(&mut self, version: i64) {
        self.heard = self.heard.max(version);
        if self.known.as_ref().is_some_and(|known| known.status.version < self.heard) {
            self.known = None;
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
        statuses.lock().follows(true);
        statuses
    }
    fn at(version: i64) -> KnownStatus {
        let (status, updated_at) = (OrderStatus::Pending, Timestamp::default());
        let status =
            OrderStatusView { order_id: ORDER, status, status_text: String::new(), reason: None, version, updated_at };
        KnownStatus { customer_id: Uuid::nil(), status }
    }
    fn version(statuses: &Statuses) -> Option<i64> {
        statuses.get(ORDER).map(|known| known.status.version)
    }
    fn published(statuses: &Statuses, version: i64) {
        let (key, value) = (ORDER.to_string().into(), format!("{{\"version\":{version}}}").into());
        let message = Arc::new(Message { key, headers: vec![], value });
        statuses.lock().hear(&[Record { topic: topic::ORDER_STATUS.into(), partition: 0, offset: 0, message }]);
    }

    #[test]
    fn what_was_read_is_kept_until_something_newer_is_heard_of() {
        let statuses = following();
        statuses.expect(ORDER);
        statuses.keep(at(1));
        assert_eq!(version(&statuses), Some(1));
        published(&statuses, 1);
        assert_eq!(version(&statuses), Some(1), "no news");
        published(&statuses, 2);
        assert_eq!(version(&statuses), None);
        statuses.keep(at(2));
        statuses.decided(ORDER, 3);
        assert_eq!(version(&statuses), None, "before it is saved");
    }

    #[test]
    fn what_was_read_before_something_newer_is_not_kept() {
        for hear in [published, |statuses: &Statuses, version| statuses.decided(ORDER, version)] {
            let statuses = following();
            statuses.expect(ORDER);
            hear(&statuses, 2); // while the database is asked
            statuses.keep(at(1));
            assert_eq!(version(&statuses), None);
            statuses.keep(at(2));
            assert_eq!(version(&statuses), Some(2));
        }
    }

    #[test]
    fn nothing_is_kept_that_nobody_expects_or_while_nothing_is_heard() {
        let statuses = following();
        statuses.keep(at(1));
        assert_eq!(version(&statuses), None);
        statuses.expect(ORDER);
        statuses.keep(at(1));
        statuses.lock().follows(false);
        assert_eq!(version(&statuses), None);
        statuses.keep(at(1));
        assert_eq!(version(&statuses), None);
    }

    #[test]
    fn those_who_watch_are_woken_and_stay_when_memory_is_full() {
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
        statuses.lock().follows(true);
        assert!(watch.has_changed().unwrap(), "something may have been missed");
    }
}
