//! Which of several processes publishes the outbox of the database they share: two would let the events of one order
//! overtake each other.
//!
//! No clocks are compared. The holder raises a counter once a second. A process that has seen the counter stand still for
//! `TAKE_OVER` by its own stopwatch takes over, under the next epoch. The holder itself stops earlier when it could not raise
//! the counter: it may be paused, or cut off.

use std::time::Duration;

use sea_orm::entity::prelude::*;
use store::{Db, StoreError, bulk};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// How often the holder raises the counter, and the others look whether it does.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// For how long a holder may publish after its last heartbeat.
const VALID_FOR: Duration = Duration::from_secs(3);
/// For how long the counter must have stood still before another process takes over.
const TAKE_OVER: Duration = Duration::from_secs(4);
/// For how long another process counts as present after it was last noticed.
const PEER_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leases")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shard: i32,
    /// The process, until it releases the lease.
    pub holder: Option<Uuid>,
    /// Rises with every holder.
    pub epoch: i64,
    /// Raised by the holder.
    pub beat: i64,
    /// Raised by the processes that would take the lease.
    pub asked: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// There is one shard: the events of a transaction are one row, whichever orders they are about.
const SHARD: i32 = 0;

/// What this process knows of the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LeaseState {
    /// Held until then, unless it is renewed.
    until: Option<Instant>,
    /// Other processes may insert into the outbox.
    pub has_peers: bool,
    /// The database has answered at least once.
    pub is_known: bool,
}

impl LeaseState {
    pub fn is_held(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }
}

/// Renews the lease, or waits for it.
pub(super) struct LeaseManager {
    service: &'static str,
    db: Db,
    process: Uuid,
    /// While this process is the holder.
    epoch: Option<i64>,
    /// The holder's epoch and counter, and since when they have stood still.
    observed: Option<((i64, i64), Instant)>,
    asked: i64,
    peer_noticed: Instant,
    state: watch::Sender<LeaseState>,
}

impl LeaseManager {
    pub fn new(service: &'static str, db: Db) -> (Self, watch::Receiver<LeaseState>) {
        let (state, states) = watch::channel(LeaseState { until: None, has_peers: true, is_known: false });
        let process = Uuid::from_u128(rand::random());
        let manager =
            Self { service, db, process, epoch: None, observed: None, asked: 0, peer_noticed: Instant::now(), state };
        (manager, states)
    }

    /// Until `stop`; then the lease is released.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! { () = stop.cancelled() => break, _ = heartbeat.tick() => {} }
            // Taken before the heartbeat: the answer may take long.
            let begun = Instant::now();
            match self.heartbeat().await {
                Ok(is_held) => {
                    let until = is_held.then_some(begun + VALID_FOR);
                    let has_peers = self.peer_noticed.elapsed() < PEER_TIMEOUT;
                    self.state.send_replace(LeaseState { until, has_peers, is_known: true });
                }
                Err(error) => debug!(service = self.service, %error, "the relay's lease cannot be renewed now"),
            }
        }
        self.state.send_replace(LeaseState { until: None, has_peers: true, is_known: true });
        if let Err(error) = self.release().await {
            debug!(service = self.service, %error, "the relay's lease is not released; it runs out");
        }
    }

    /// Whether this process holds the lease now.
    async fn heartbeat(&mut self) -> Result<bool, StoreError> {
        let tx = self.db.begin().await?;
        let Some(mut row) = bulk::select::<Entity>(&tx, &[SHARD], true).await?.pop() else {
            let row = Model { shard: SHARD, holder: Some(self.process), epoch: 1, beat: 0, asked: 0 };
            bulk::insert::<Entity>(&tx, vec![row]).await?;
            tx.commit().await?;
            self.epoch = Some(1);
            return Ok(true);
        };
        let was_held = row.holder == Some(self.process) && Some(row.epoch) == self.epoch;
        if !was_held && let Some(epoch) = self.epoch.take() {
            warn!(service = self.service, epoch, "another process has taken over the relay");
        }
        let silent_for = self.silent_for(&row);
        let is_held = if was_held {
            row.beat += 1;
            if row.asked != self.asked {
                self.peer_noticed = Instant::now();
            }
            true
        } else if row.holder.is_none() || silent_for >= TAKE_OVER {
            (row.holder, row.epoch, row.beat) = (Some(self.process), row.epoch + 1, 0);
            self.peer_noticed = Instant::now(); // there may be more of them
            true
        } else {
            row.asked += 1;
            false
        };
        let Model { epoch, asked, .. } = row;
        bulk::update::<Entity>(&tx, vec![row]).await?;
        tx.commit().await?;
        self.asked = asked;
        if is_held && !was_held {
            info!(service = self.service, epoch, "this process publishes the outbox");
            self.epoch = Some(epoch);
        }
        Ok(is_held)
    }

    /// For how long the counter has stood still.
    fn silent_for(&mut self, row: &Model) -> Duration {
        let current = (row.epoch, row.beat);
        match self.observed {
            Some((observed, since)) if observed == current => since.elapsed(),
            _ => {
                self.observed = Some((current, Instant::now()));
                Duration::ZERO
            }
        }
    }

    async fn release(&mut self) -> Result<(), StoreError> {
        let Some(epoch) = self.epoch.take() else { return Ok(()) };
        Entity::update_many()
            .col_expr(Column::Holder, Expr::value(Option::<Uuid>::None))
            .filter(Column::Shard.eq(SHARD))
            .filter(Column::Holder.eq(self.process))
            .filter(Column::Epoch.eq(epoch))
            .exec(self.db.writer())
            .await?;
        Ok(())
    }
}
