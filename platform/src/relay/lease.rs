//! Which of several processes publishes the outbox of the database they share: two would let one order's events
//! overtake each other.
//!
//! No clocks are compared. The holder raises a counter once a second; whoever has seen it stand still for `LEASE` by its
//! own stopwatch takes over, under the next epoch. The holder stops earlier than that by itself, when it could not raise
//! the counter: it may be paused, or cut off.

use std::time::Duration;

use sea_orm::entity::prelude::*;
use tokio::{sync::watch, time::Instant};
use tracing::{debug, info, warn};

use crate::{Db, Shutdown, StoreError, bulk};

/// How often the holder says that it lives, and the others look whether it does.
const BEAT: Duration = Duration::from_secs(1);
/// So long a holder publishes after it has last been heard.
const VALID: Duration = Duration::from_secs(3);
/// So long it must have been silent before another takes over.
const LEASE: Duration = Duration::from_secs(4);
/// Others that were heard so lately are still there.
const COMPANY: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leases")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shard: i32,
    /// The process, until it gives the lease back.
    pub holder: Option<Uuid>,
    /// Rises with every holder.
    pub epoch: i64,
    /// Raised by the holder.
    pub beat: i64,
    /// Raised by those who would like to be.
    pub asked: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// There is one: a transaction's events stay together in one row, whatever orders they are about.
const SHARD: i32 = 0;

/// What this process knows of the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    /// Its own until then, if it does not hear otherwise.
    until: Option<Instant>,
    /// Others may write to the outbox.
    pub company: bool,
    /// It has been asked for.
    pub known: bool,
}

impl Term {
    pub(super) fn is_held(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }
}

/// Keeps the lease, or waits for it.
pub(super) struct Keeper {
    service: &'static str,
    db: Db,
    me: Uuid,
    epoch: Option<i64>,
    /// The holder's epoch and beat, and since when they have not moved.
    seen: Option<((i64, i64), Instant)>,
    asked: i64,
    company: Instant,
    term: watch::Sender<Term>,
}

impl Keeper {
    pub(super) fn new(service: &'static str, db: Db) -> (Self, watch::Receiver<Term>) {
        let (term, terms) = watch::channel(Term { until: None, company: true, known: false });
        let me = Uuid::from_u128(rand::random());
        (Self { service, db, me, epoch: None, seen: None, asked: 0, company: Instant::now(), term }, terms)
    }

    /// Until it is told to stop; then the lease is free at once.
    pub(super) async fn run(mut self, stopping: Shutdown) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! { () = stopping.wait() => break, _ = beat.tick() => {} }
            // Before the question: its answer may take long.
            let asked_at = Instant::now();
            match self.beat().await {
                Ok(held) => {
                    let company = self.company.elapsed() < COMPANY;
                    self.term.send_replace(Term { until: held.then_some(asked_at + VALID), company, known: true });
                }
                Err(error) => debug!(service = self.service, %error, "the relay's lease cannot be renewed now"),
            }
        }
        self.term.send_replace(Term { until: None, company: true, known: true });
        if let Err(error) = self.release().await {
            debug!(service = self.service, %error, "the relay's lease is not given back; it ends by itself");
        }
    }

    /// Whether this process holds the lease now.
    async fn beat(&mut self) -> Result<bool, StoreError> {
        let tx = self.db.begin().await?;
        let Some(mut row) = bulk::select::<Entity>(&tx, &[SHARD], true).await?.pop() else {
            let row = Model { shard: SHARD, holder: Some(self.me), epoch: 1, beat: 0, asked: 0 };
            bulk::insert::<Entity>(&tx, vec![row]).await?;
            tx.commit().await?;
            self.epoch = Some(1);
            return Ok(true);
        };
        let mine = row.holder == Some(self.me) && Some(row.epoch) == self.epoch;
        if !mine && let Some(epoch) = self.epoch.take() {
            warn!(service = self.service, epoch, "another process has taken over the relay");
        }
        let moved = (row.epoch, row.beat);
        let silent = match self.seen {
            Some((seen, since)) if seen == moved => since.elapsed(),
            _ => {
                self.seen = Some((moved, Instant::now()));
                Duration::ZERO
            }
        };
        let held = if mine {
            row.beat += 1;
            if row.asked != self.asked {
                self.company = Instant::now();
            }
            true
        } else if row.holder.is_none() || silent >= LEASE {
            (row.holder, row.epoch, row.beat) = (Some(self.me), row.epoch + 1, 0);
            self.company = Instant::now(); // there may be more of them
            true
        } else {
            row.asked += 1;
            false
        };
        bulk::update::<Entity>(&tx, vec![row.clone()]).await?;
        tx.commit().await?;
        self.asked = row.asked;
        if held && !mine {
            info!(service = self.service, epoch = row.epoch, "this process publishes the outbox");
            self.epoch = Some(row.epoch);
        }
        Ok(held)
    }

    async fn release(&mut self) -> Result<(), StoreError> {
        let Some(epoch) = self.epoch.take() else { return Ok(()) };
        Entity::update_many()
            .col_expr(Column::Holder, Expr::value(Option::<Uuid>::None))
            .filter(Column::Shard.eq(SHARD))
            .filter(Column::Holder.eq(self.me))
            .filter(Column::Epoch.eq(epoch))
            .exec(self.db.writer())
            .await?;
        Ok(())
    }
}
