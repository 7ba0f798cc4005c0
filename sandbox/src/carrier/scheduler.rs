//! Runs jobs when they are due: picks up, delivers, and sends updates. Many at the same time, so
//! that they share transactions.

use std::{sync::PoisonError, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use saga::App;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use telemetry::Trace;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    Carrier, CarrierUpdate, Deliver, Job, JobKind, PickUp, PickUpAnswer, Progress, Queue, Transit, UpdateAnswer,
    store::{Booking, Column, Entity},
};

/// Jobs that run at the same time.
const MAX_RUNNING: usize = 512;
/// The clock is read at least this often: a test may set it.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

pub(super) async fn run(app: App, carrier: Carrier, stopping: CancellationToken) {
    let taken = carrier.0.to_schedule.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut booked) = taken else { return };
    let (unfinished_out, mut unfinished) = unbounded_channel();
    let schedule = async {
        let mut queue = Queue::default();
        let mut running = FuturesUnordered::new();
        loop {
            let now = app.clock().now();
            while running.len() < MAX_RUNNING
                && let Some(job) = queue.take_due(now)
            {
                running.push(run_job(&app, &carrier, job));
            }
            let until_due = queue.next_due().map(|due| (due - now).to_std().unwrap_or_default());
            let wait = until_due.unwrap_or(POLL_INTERVAL).min(POLL_INTERVAL);
            tokio::select! {
                Some(next) = running.next() => queue.extend(next),
                Some(key) = booked.recv() => {
                    let pick_up = |key| Job::new(now + carrier.0.pace.pickup_after, key, JobKind::PickUp);
                    queue.push(pick_up(key));
                    queue.extend(drain(&mut booked).map(pick_up));
                }
                Some(job) = unfinished.recv() => queue.push(job),
                () = tokio::time::sleep(wait), if running.len() < MAX_RUNNING => {}
            }
        }
    };
    tokio::select! {
        () = stopping.cancelled() => {} // running jobs are found at the next start
        () = schedule => {}
        () = find_unfinished(&app, &carrier, &unfinished_out) => {}
    }
}

fn drain(booked: &mut UnboundedReceiver<String>) -> impl Iterator<Item = String> {
    std::iter::from_fn(|| booked.try_recv().ok())
}

/// Runs the job and those that follow from it, as far as they are due. Returns the next one.
async fn run_job(app: &App, carrier: &Carrier, mut job: Job) -> Option<Job> {
    loop {
        let done = match &job.kind {
            JobKind::PickUp => pick_up(app, &job).await,
            JobKind::SendPickedUp(transit) => send_picked_up(carrier, &job, transit).await,
            JobKind::Deliver(transit) => deliver(app, carrier, &job, transit).await,
        };
        match done {
            Ok(None) => return None,
            Ok(Some(next)) if next.due <= app.clock().now() => job = next,
            Ok(Some(next)) => return Some(next),
            Err(RetryLater) => return Some(job.retry(app.clock().now())),
        }
    }
}

struct RetryLater;

async fn pick_up(app: &App, job: &Job) -> Result<Option<Job>, RetryLater> {
    let key = job.key.clone();
    match app.execute(PickUp { key: key.clone() }, Trace::default()).await {
        Ok(PickUpAnswer::PickedUp(transit)) => Ok(Some(Job::new(job.due, key, JobKind::SendPickedUp(transit)))),
        Ok(PickUpAnswer::TooEarly(due)) => Ok(Some(Job::new(due, key, JobKind::PickUp))),
        Ok(PickUpAnswer::Nothing) => Ok(None),
        Err(_) => Err(RetryLater),
    }
}

async fn send_picked_up(carrier: &Carrier, job: &Job, transit: &Transit) -> Result<Option<Job>, RetryLater> {
    send(carrier, transit, Progress::PickedUp).await?;
    Ok(Some(Job::new(transit.deliver_at, job.key.clone(), JobKind::Deliver(transit.clone()))))
}

/// Sends the update first and saves the delivery after it: a delivery can be neither refused nor
/// taken back, so a saved delivery implies that the shop has accepted the update. After a crash in
/// between the update is sent again.
async fn deliver(app: &App, carrier: &Carrier, job: &Job, transit: &Transit) -> Result<Option<Job>, RetryLater> {
    let at = transit.deliver_at;
    send(carrier, transit, Progress::Delivered { at }).await?;
    app.execute(Deliver { key: job.key.clone(), at }, Trace::default()).await.map_err(|_| RetryLater)?;
    Ok(None)
}

async fn send(carrier: &Carrier, transit: &Transit, progress: Progress) -> Result<(), RetryLater> {
    let send = carrier.0.send.get().ok_or(RetryLater)?;
    let Transit { order_id, ref tracking_number, .. } = *transit;
    match send(CarrierUpdate { order_id, tracking_number: tracking_number.clone(), progress }).await {
        UpdateAnswer::Accepted => Ok(()),
        UpdateAnswer::RetryLater => Err(RetryLater),
        UpdateAnswer::UnknownParcel => {
            warn!(order.id = %order_id, "the shop does not know a parcel that this carrier has");
            Ok(())
        }
    }
}

/// Finds the bookings that an earlier process left unfinished, by one scan of the whole table: an
/// index would cost every booking more than the scan costs a start. Never returns.
async fn find_unfinished(app: &App, carrier: &Carrier, found: &UnboundedSender<Job>) {
    let mut after = String::new();
    loop {
        match unfinished_after(app, &after).await {
            Ok(page) => {
                let Some(last) = page.last() else { break };
                after.clone_from(&last.key);
                for job in page.into_iter().filter_map(|booking| Job::of(booking, carrier.0.pace)) {
                    drop(found.send(job));
                }
            }
            Err(error) => {
                warn!(%error, "the carrier's bookings cannot be read; retrying");
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        }
    }
    std::future::pending::<()>().await; // `run` ends when any of its branches returns
}

async fn unfinished_after(app: &App, key: &str) -> Result<Vec<Booking>, DbErr> {
    let unfinished = Entity::find()
        .filter(Column::Key.gt(key))
        .filter(Column::Refused.is_null())
        .filter(Column::CancelledAt.is_null())
        .filter(Column::DeliveredAt.is_null());
    unfinished.order_by_asc(Column::Key).limit(1000).all(app.db()).await
}
