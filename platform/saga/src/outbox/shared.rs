//! The relay where several processes share a database. The holder of the lease publishes what is in the table, oldest
//! first, whichever process has inserted it. Rows that the holder itself has committed come through the channel as well and
//! need not be read, but the table decides what is next.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use bus::Outgoing;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use store::{StoreError, bulk};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    lease::{LeaseManager, LeaseState},
    relay::{MAX_ROWS, Relay, Rows, purge_interval},
};
use crate::{Stopped, tables::outbox};

/// How often the holder looks for rows of other processes while it has peers.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How often it looks without peers.
const POLL_INTERVAL_ALONE: Duration = Duration::from_millis(250);
/// How often the others look how far the holder is behind.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// How long a shutdown waits for the first answer about the lease.
const LEASE_TIMEOUT: Duration = Duration::from_secs(2);
/// Rows that have waited for less are on their way.
const SLOW: chrono::TimeDelta = chrono::TimeDelta::seconds(5);

/// Rows that came through the channel, until the table says that they are next.
type Own = BTreeMap<i64, Vec<Outgoing>>;

impl Relay {
    pub(super) async fn run_shared(mut self) {
        let (manager, mut lease) = LeaseManager::new(self.service, self.db.clone());
        let done = CancellationToken::new();
        let publishing = async {
            drop(self.publish_while_held(&mut lease).await); // `Stopped`: rows are left for the next process
            self.purge().await;
            done.cancel();
        };
        tokio::join!(manager.run(done.clone()), publishing);
    }

    async fn publish_while_held(&mut self, lease: &mut watch::Receiver<LeaseState>) -> Result<(), Stopped> {
        let stop = self.stop.clone();
        let mut own = Own::new();
        let mut purge = purge_interval();
        let (mut polled, mut watched) = (Instant::now(), Instant::now());
        let mut is_closing = false;
        loop {
            let now = *lease.borrow_and_update();
            let interval = if now.has_peers { POLL_INTERVAL } else { POLL_INTERVAL_ALONE };
            if !now.is_held() {
                own.clear(); // the holder finds them in the table
                if watched.elapsed() >= WATCH_INTERVAL {
                    watched = Instant::now();
                    self.watch().await;
                }
            } else if self.state.must_read.swap(false, Ordering::AcqRel) || polled.elapsed() >= interval {
                polled = Instant::now();
                self.publish_next(&mut own, lease).await?;
                continue;
            }
            tokio::select! {
                biased;
                _ = purge.tick() => self.purge().await,
                row = self.rows.recv() => {
                    let Some(row) = row else { break }; // closed, and empty
                    let rows = self.receive(row).into_iter().filter(|row| !self.replayed.contains(&row.id));
                    own.extend(rows.map(|row| (row.id, row.messages)));
                    self.state.must_read.store(true, Ordering::Release);
                }
                _ = lease.changed() => {}
                () = sleep_until(polled + interval), if now.is_held() => {}
                () = stop.cancelled(), if !is_closing => {
                    is_closing = true;
                    self.rows.close(); // rows that are in the channel are still published
                }
            }
        }
        // A process that ends as soon as it has begun: perhaps no other process publishes what it has decided.
        drop(timeout(LEASE_TIMEOUT, lease.wait_for(|lease| lease.is_known)).await);
        if lease.borrow().is_held() {
            self.publish_next(&mut own, lease).await?;
        }
        Ok(())
    }

    /// Publishes the oldest rows of the table.
    async fn publish_next(&mut self, own: &mut Own, lease: &watch::Receiver<LeaseState>) -> Result<(), Stopped> {
        let (rows, has_more) = match self.next_rows(own).await {
            Ok(found) => found,
            Err(error) => return self.cannot_read(&error).await,
        };
        if has_more {
            self.state.must_read.store(true, Ordering::Release);
        }
        if rows.is_empty() {
            self.state.advance();
        }
        self.publish(rows, &|| lease.borrow().is_held()).await
    }

    /// The rows that are next, and whether there are more of them.
    async fn next_rows(&mut self, own: &mut Own) -> Result<(Rows, bool), StoreError> {
        let limit = (self.published.len() + self.unreadable.len()) as u64 + MAX_ROWS;
        let ids: Vec<i64> = outbox::Entity::find()
            .select_only()
            .column(outbox::Column::Id)
            .order_by_asc(outbox::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(self.db.writer())
            .await?;
        let has_more = ids.len() as u64 == limit;
        let is_open = |id: &i64| !self.published.contains(id) && !self.unreadable.contains(id);
        let next: Vec<i64> = ids.into_iter().filter(is_open).collect();
        let others: Vec<i64> = next.iter().filter(|id| !own.contains_key(id)).copied().collect();
        if !others.is_empty() {
            let tx = self.db.begin().await?;
            for row in bulk::select::<outbox::Entity>(&tx, &others, false).await? {
                self.replayed.insert(row.id);
                own.extend(self.decode(row));
            }
            tx.commit().await?;
        }
        let rows = next.into_iter().filter_map(|id| own.remove_entry(&id)).collect();
        if !has_more {
            own.clear(); // rows that are left are not in the table any more: another process has published them
        }
        Ok((rows, has_more))
    }

    /// Another process publishes: for how long has the oldest row been waiting?
    async fn watch(&mut self) {
        let late = self.clock.now() - SLOW;
        let oldest = outbox::Entity::find().order_by_asc(outbox::Column::Id);
        let oldest = oldest.filter(outbox::Column::At.lt(late)).one(self.db.writer()).await;
        let Ok(row) = oldest else { return }; // the participants report that the database is unavailable
        let since = row.map_or(0, |row| row.at.timestamp_micros());
        self.state.stalled_since.store(since, Ordering::Relaxed);
    }
}
