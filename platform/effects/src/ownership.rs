//! Which process performs a request.
//!
//! A request belongs to a process as long as that process is alive, however long the request waits in its memory. Every process
//! that performs requests has a row in `processes` and raises the counter there once a second, its heartbeat. A process whose
//! counter the others have seen stand still for the length of the lease is gone: its row is removed, and what it owned is free
//! again. No clocks are compared: each observer uses its own stopwatch.
//!
//! A process that was paused finds out by its own stopwatch: it begins no call unless its last heartbeat is younger than half of
//! the lease. When its row is gone, it continues under a new id, without the requests of the old one.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use chrono::TimeDelta;
use clock::Clock;
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait as _},
};
use store::{Db, StoreError, bulk};
use telemetry::error_chain;
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::{
    Job,
    tables::{effect, effect_batch, process},
};

/// How long a process may be silent before the others take over its requests.
pub const LEASE: Duration = Duration::from_secs(10);
/// So often, at least, a counter must have been seen standing still: a machine that was suspended makes everybody look silent.
const MIN_LOOKS: u32 = 3;
/// How many times longer a process waits between heartbeats that no other process can observe.
const ALONE: u32 = 30;
/// How often requests are looked for that belong to no process.
const FREE_INTERVAL: Duration = Duration::from_mins(1);
/// Until when a request that is owned is out of the sight of programs that know leases only (versions before 0.2).
pub const OWNED_DUE: TimeDelta = TimeDelta::hours(1);

/// What this process knows about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    process: Uuid,
    /// When the last heartbeat that was confirmed began, by `Clock::uptime`.
    confirmed: Duration,
}

/// Says which requests belong to this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ownership {
    clock: Clock,
    /// No other process can open the database.
    is_exclusive: bool,
    state: watch::Receiver<State>,
    to_free: mpsc::UnboundedSender<Vec<Job>>,
}

impl Ownership {
    /// Of a process that performs no requests.
    pub fn none(clock: Clock) -> Self {
        let (_, state) = watch::channel(State { process: Uuid::nil(), confirmed: Duration::ZERO });
        Self { clock, is_exclusive: true, state, to_free: mpsc::unbounded_channel().0 }
    }

    /// Frees requests that may be stored as owned by this process although it does not perform them: the answer to a commit was
    /// lost. Otherwise nobody would perform them while the process lives.
    pub fn give_back(&self, requests: Vec<Job>) {
        if !requests.is_empty() {
            drop(self.to_free.send(requests)); // without a heartbeat all requests of this process are freed
        }
    }

    /// The id under which this process owns requests.
    pub fn process(&self) -> Uuid {
        self.state.borrow().process
    }

    /// Whether calls may be begun.
    pub fn is_confirmed(&self) -> bool {
        let confirmed = self.state.borrow().confirmed;
        self.is_exclusive || self.clock.uptime().saturating_sub(confirmed) < LEASE / 2
    }

    /// Waits for the next heartbeat. Never returns when there is none any more.
    pub async fn changed(&mut self) {
        if self.state.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Keeps the row of this process, and removes the rows of processes that are gone.
pub struct Heartbeat {
    service: &'static str,
    db: Db,
    clock: Clock,
    interval: Duration,
    state: watch::Sender<State>,
    peers: HashMap<Uuid, Observed>,
    freed: Duration,
    given_back: mpsc::UnboundedReceiver<Vec<Job>>,
    unfreed: Vec<Job>,
}

/// The counter of another process, and since when it stands still.
struct Observed {
    beat: i64,
    since: Duration,
    looks: u32,
}

impl Heartbeat {
    /// Registers this process. On a database that only one process can open, all others are gone.
    pub async fn start(
        service: &'static str,
        db: Db,
        clock: Clock,
        interval: Duration,
    ) -> Result<(Self, Ownership), StoreError> {
        let confirmed = clock.uptime();
        let process = register(&db, &clock).await?;
        let is_exclusive = db.is_exclusive();
        // Alone, a heartbeat serves only requests that are given back: an idle process should not write to its disk all the time.
        let interval = if is_exclusive { ALONE * interval } else { interval };
        if is_exclusive {
            let others = process::Entity::delete_many().filter(process::Column::Id.ne(process));
            others.exec(db.writer()).await?;
        }
        free_orphans(&db, &clock).await?;
        let (state, ownership) = watch::channel(State { process, confirmed });
        let (to_free, given_back) = mpsc::unbounded_channel();
        let ownership = Ownership { clock: clock.clone(), is_exclusive, state: ownership, to_free };
        let peers = HashMap::new();
        Ok((
            Self { service, db, clock, interval, state, peers, freed: confirmed, given_back, unfreed: vec![] },
            ownership,
        ))
    }

    /// Until `stop`; then the requests of this process are free.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! { () = stop.cancelled() => break, _ = ticks.tick() => {} }
            if let Err(error) = self.beat().await {
                warn!(service = self.service, error = error_chain(&error), "the heartbeat is not confirmed now");
            }
        }
        let process = self.state.borrow().process;
        let ended = async {
            process::Entity::delete_by_id(process).exec(self.db.writer()).await?;
            free(&self.db, &self.clock, process).await
        };
        if let Err(error) = ended.await {
            debug!(service = self.service, %error, "the requests of this process are not freed; others take them over");
        }
    }

    async fn beat(&mut self) -> Result<(), StoreError> {
        let begun = self.clock.uptime();
        let process = self.state.borrow().process;
        let update = process::Entity::update_many()
            .col_expr(process::Column::Beat, Expr::col(process::Column::Beat).add(1))
            .filter(process::Column::Id.eq(process));
        if update.exec(self.db.writer()).await?.rows_affected > 0 {
            self.state.send_modify(|state| state.confirmed = begun);
        } else {
            let process = register(&self.db, &self.clock).await?;
            warn!(service = self.service, "this process was silent too long: its requests are taken over by others");
            self.state.send_replace(State { process, confirmed: begun });
            self.freed = Duration::ZERO;
        }
        while let Ok(requests) = self.given_back.try_recv() {
            self.unfreed.extend(requests);
        }
        if !self.unfreed.is_empty() {
            free_requests(&self.db, &self.clock, &self.unfreed).await?;
            self.unfreed.clear();
        }
        let is_peer_gone = self.remove_silent(begun).await?;
        if is_peer_gone || begun.saturating_sub(self.freed) >= FREE_INTERVAL {
            free_orphans(&self.db, &self.clock).await?;
            self.freed = begun;
        }
        Ok(())
    }

    /// Removes the rows of processes that are gone; whether there were any.
    async fn remove_silent(&mut self, now: Duration) -> Result<bool, StoreError> {
        let own = self.state.borrow().process;
        let rows = process::Entity::find().filter(process::Column::Id.ne(own)).all(self.db.writer()).await?;
        self.peers.retain(|id, _| rows.iter().any(|row| row.id == *id));
        let mut is_any_gone = false;
        for row in rows {
            let peer = self.peers.entry(row.id).or_insert(Observed { beat: row.beat, since: now, looks: 0 });
            if peer.beat != row.beat {
                *peer = Observed { beat: row.beat, since: now, looks: 0 };
            }
            peer.looks += 1;
            if peer.looks < MIN_LOOKS || now.saturating_sub(peer.since) < LEASE {
                continue;
            }
            let silent = process::Entity::delete_many()
                .filter(process::Column::Id.eq(row.id))
                .filter(process::Column::Beat.eq(row.beat));
            if silent.exec(self.db.writer()).await?.rows_affected > 0 {
                info!(service = self.service, process.id = %row.id, "a process is silent: its requests are taken over");
                is_any_gone = true;
            }
        }
        Ok(is_any_gone)
    }
}

async fn register(db: &Db, clock: &Clock) -> Result<Uuid, StoreError> {
    let row = process::Model { id: clock.new_id(), beat: 0 };
    let id = row.id;
    let tx = db.begin().await?;
    bulk::insert::<process::Entity>(&tx, vec![row]).await?;
    tx.commit().await?;
    Ok(id)
}

/// Frees the requests of processes that have no row. (Not only when a row is removed: a process that was paused may have
/// inserted requests after that.)
async fn free_orphans(db: &Db, clock: &Clock) -> Result<(), StoreError> {
    // The owners before the processes: a process has its row before it owns anything.
    let of_rows = effect::Entity::find().select_only().column(effect::Column::Owner).distinct();
    let of_batches = effect_batch::Entity::find().select_only().column(effect_batch::Column::Owner).distinct();
    let mut owners: BTreeSet<Uuid> = BTreeSet::new();
    owners.extend(of_rows.into_tuple::<Option<Uuid>>().all(db.writer()).await?.into_iter().flatten());
    owners.extend(of_batches.into_tuple::<Option<Uuid>>().all(db.writer()).await?.into_iter().flatten());
    for row in process::Entity::find().all(db.writer()).await? {
        owners.remove(&row.id);
    }
    for owner in owners {
        free(db, clock, owner).await?;
    }
    Ok(())
}

/// Frees these requests, as far as they are stored as they are here.
async fn free_requests(db: &Db, clock: &Clock, requests: &[Job]) -> Result<(), StoreError> {
    let nobody = Expr::value(Option::<Uuid>::None);
    let tx = db.begin().await?;
    let batches: BTreeSet<(Uuid, i32)> =
        requests.iter().filter_map(|job| job.place).map(|place| (place.batch, place.epoch)).collect();
    for (id, epoch) in batches {
        let batch = effect_batch::Entity::update_many()
            .col_expr(effect_batch::Column::Owner, nobody.clone())
            .col_expr(effect_batch::Column::Due, Expr::value(clock.now()))
            .filter(effect_batch::Column::Id.eq(id))
            .filter(effect_batch::Column::Epoch.eq(epoch));
        tx.execute(batch).await?;
    }
    for Job { request, .. } in requests.iter().filter(|job| job.place.is_none()) {
        let row = effect::Entity::update_many()
            .col_expr(effect::Column::Owner, nobody.clone())
            .col_expr(effect::Column::Due, Expr::value(clock.now()))
            .col_expr(effect::Column::Leased, Expr::value(false))
            .filter(effect::Column::Key.eq(&*request.key))
            .filter(effect::Column::Epoch.eq(request.epoch))
            .filter(effect::Column::Owner.eq(request.owner))
            // The decision may have been made again, with the same key: that request is performed.
            .filter(effect::Column::RequestedAt.eq(request.requested_at));
        tx.execute(row).await?;
    }
    tx.commit().await
}

/// Frees the requests of this owner. Its outcomes count until another process has taken them, under the next epoch.
async fn free(db: &Db, clock: &Clock, owner: Uuid) -> Result<(), StoreError> {
    let nobody = Expr::value(Option::<Uuid>::None);
    let tx = db.begin().await?;
    let rows = effect::Entity::update_many()
        .col_expr(effect::Column::Owner, nobody.clone())
        .col_expr(effect::Column::Due, Expr::value(clock.now()))
        .col_expr(effect::Column::Leased, Expr::value(false))
        .filter(effect::Column::Owner.eq(owner));
    tx.execute(rows).await?;
    let batches = effect_batch::Entity::update_many()
        .col_expr(effect_batch::Column::Owner, nobody)
        .col_expr(effect_batch::Column::Due, Expr::value(clock.now()))
        .filter(effect_batch::Column::Owner.eq(owner));
    tx.execute(batches).await?;
    tx.commit().await
}
