//! The relay where several processes share the database: the holder of the lease publishes what is in the table, oldest
//! first, whoever has put it there. What its own rooms have just committed comes through the channel as well, and need
//! not be read again; but the table says what is next.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::atomic::Ordering,
    time::Duration,
};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::{sync::watch, time::Instant};
use tracing::warn;

use super::{
    ROWS, Relay, TIDY,
    lease::{Keeper, Term},
    rest,
};
use crate::{Shutdown, StoreError, bulk, bus::Outgoing, tables::outbox};

/// How often the holder looks for what others have committed, while there are others, and otherwise.
const LOOK: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));
/// How often the others look whether the holder gets on.
const WATCH: Duration = Duration::from_secs(1);
/// How long the end waits for the first answer about the lease.
const LAST: Duration = Duration::from_secs(2);
/// What has waited for less is on its way.
const SLOW: chrono::TimeDelta = chrono::TimeDelta::seconds(5);

/// Rows that the channel carried, until the table says that it is their turn.
type Own = BTreeMap<i64, Vec<Outgoing>>;

impl Relay {
    pub(super) async fn run_shared(self, stopping: Shutdown) {
        let (keeper, term) = Keeper::new(self.service, self.db.clone());
        let done = Shutdown::new();
        let publishing = async {
            self.publish_while_held(term, stopping).await;
            done.trigger();
        };
        tokio::join!(keeper.run(done.clone()), publishing);
    }

    async fn publish_while_held(mut self, mut term: watch::Receiver<Term>, stopping: Shutdown) {
        let mut own = Own::new();
        let mut tidy = tokio::time::interval(TIDY);
        tidy.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut looked, mut watched) = (Instant::now(), Instant::now());
        let mut closing = false;
        while !self.gave_up {
            let now = *term.borrow_and_update();
            let every = if now.company { LOOK.0 } else { LOOK.1 };
            if !now.is_held() {
                own.clear(); // the holder finds them in the table
                if watched.elapsed() >= WATCH {
                    watched = Instant::now();
                    self.watch().await;
                }
            } else if self.state.behind.swap(false, Ordering::AcqRel) || looked.elapsed() >= every {
                looked = Instant::now();
                self.publish_next(&mut own, &term, &stopping).await;
                continue;
            }
            tokio::select! {
                biased;
                _ = tidy.tick() => self.tidy().await,
                row = self.rows.recv() => {
                    let Some(row) = row else { break }; // closed, and empty
                    let rows = self.take(row).into_iter().filter(|row| !self.caught.contains(&row.id));
                    own.extend(rows.map(|row| (row.id, row.messages)));
                    self.state.behind.store(true, Ordering::Release);
                }
                _ = term.changed() => {}
                () = tokio::time::sleep_until(looked + every), if now.is_held() => {}
                () = stopping.wait(), if !closing => {
                    closing = true;
                    self.rows.close(); // those in it are still published
                }
            }
        }
        // A process that ends as soon as it has begun: nobody else might publish what it has decided.
        drop(tokio::time::timeout(LAST, term.wait_for(|term| term.known)).await);
        if term.borrow().is_held() && !self.gave_up {
            self.publish_next(&mut own, &term, &stopping).await;
        }
        self.tidy().await;
    }

    /// Publishes the oldest rows of the table.
    async fn publish_next(&mut self, own: &mut Own, term: &watch::Receiver<Term>, stopping: &Shutdown) {
        let (rows, more) = match self.next(own).await {
            Ok(found) => found,
            Err(cause) => {
                warn!(service = self.service, error = %cause, "the outbox cannot be read now");
                self.state.behind.store(true, Ordering::Release);
                self.gave_up = stopping.is_triggered();
                return rest(Duration::from_millis(200), stopping).await;
            }
        };
        if more {
            self.state.behind.store(true, Ordering::Release);
        }
        if rows.is_empty() {
            self.state.stuck_since.store(0, Ordering::Relaxed);
        }
        self.publish(rows, stopping, &|| term.borrow().is_held()).await;
    }

    /// The rows that come next, and whether there are more of them.
    async fn next(&mut self, own: &mut Own) -> Result<(VecDeque<(i64, Vec<Outgoing>)>, bool), StoreError> {
        let done = (self.published.len() + self.unreadable.len()) as u64;
        let ids: Vec<i64> = outbox::Entity::find()
            .select_only()
            .column(outbox::Column::Id)
            .order_by_asc(outbox::Column::Id)
            .limit(done + ROWS)
            .into_tuple()
            .all(self.db.writer())
            .await?;
        let more = ids.len() as u64 == done + ROWS;
        let next = ids.into_iter().filter(|id| !self.published.contains(id) && !self.unreadable.contains(id));
        let next: Vec<i64> = next.collect();
        let others: Vec<i64> = next.iter().filter(|id| !own.contains_key(id)).copied().collect();
        if !others.is_empty() {
            let tx = self.db.begin().await?;
            for row in bulk::select::<outbox::Entity>(&tx, &others, false).await? {
                self.caught.insert(row.id);
                own.extend(self.read(row));
            }
            tx.commit().await?;
        }
        let rows = next.into_iter().filter_map(|id| own.remove_entry(&id)).collect();
        if !more {
            own.clear(); // what is left of it is not in the table any more: another process has published it
        }
        Ok((rows, more))
    }

    /// Another process publishes: for how long does the oldest row wait?
    async fn watch(&mut self) {
        let late = self.clock.now() - SLOW;
        let oldest = outbox::Entity::find().order_by_asc(outbox::Column::Id);
        let oldest = oldest.filter(outbox::Column::At.lt(late)).one(self.db.writer()).await;
        let since = match oldest {
            Ok(row) => row.map_or(0, |row| row.at.timestamp_micros()),
            Err(_) => return, // the rooms say so, louder
        };
        self.state.stuck_since.store(since, Ordering::Relaxed);
    }
}
