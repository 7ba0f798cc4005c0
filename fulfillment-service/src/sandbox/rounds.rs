//! The drivers' rounds: pick up and deliver what is due, and tell the shop. Many bookings at once, so that they share
//! transactions.

use std::time::Duration;

use futures_util::{StreamExt, stream::FuturesUnordered};
use platform::{App, Shutdown, Trace};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tracing::warn;

use super::{
    Sandbox,
    booking::{Deliver, PickUp, Transit, Visit},
    news::Heard,
    queue::{Errand, Queue, What},
    store::{Column, Entity},
};
use crate::domain::{CarrierNews, Progress};

/// Errands run at the same time.
const AT_ONCE: usize = 512;
/// The clock is looked at that often at least: somebody may set it.
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn run(app: App, sandbox: Sandbox, stopping: Shutdown) {
    let taken = sandbox.0.to_visit.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    let Some(mut visits) = taken else { return };
    let (found, mut founds) = tokio::sync::mpsc::unbounded_channel();
    let rounds = async {
        let mut queue = Queue::default();
        let mut under_way = FuturesUnordered::new();
        loop {
            let now = app.clock().now();
            while under_way.len() < AT_ONCE
                && let Some(errand) = queue.take_due(now)
            {
                under_way.push(go(&app, &sandbox, errand));
            }
            let wait = queue.next_due().map_or(LOOK, |due| (due - now).to_std().unwrap_or_default().min(LOOK));
            tokio::select! {
                Some(next) = under_way.next() => queue.extend(next),
                Some(key) = visits.recv() => {
                    let visit = |key| Errand::new(now + sandbox.0.pace.pickup_after, key, What::PickUp);
                    queue.push(visit(key));
                    queue.extend(drain(&mut visits).map(visit));
                }
                Some(errand) = founds.recv() => queue.push(errand),
                () = tokio::time::sleep(wait), if under_way.len() < AT_ONCE => {}
            }
        }
    };
    tokio::select! {
        () = stopping.wait() => {} // what is under way is found again at the next start
        () = rounds => {}
        () = remember(&app, &sandbox, &found) => {}
    }
}

fn drain(visits: &mut UnboundedReceiver<String>) -> impl Iterator<Item = String> {
    std::iter::from_fn(|| visits.try_recv().ok())
}

/// Does it as far as that is possible now; what is left to do.
async fn go(app: &App, sandbox: &Sandbox, mut errand: Errand) -> Option<Errand> {
    loop {
        let done = match &errand.what {
            What::PickUp => pick_up(app, &errand).await,
            What::TellPickedUp(transit) => tell_picked_up(sandbox, &errand, transit).await,
            What::Deliver(transit) => deliver(app, sandbox, &errand, transit).await,
        };
        match done {
            Ok(None) => return None,
            Ok(Some(next)) if next.due <= app.clock().now() => errand = next,
            Ok(Some(next)) => return Some(next),
            Err(NotNow) => return Some(errand.again(app.clock().now())),
        }
    }
}

struct NotNow;

async fn pick_up(app: &App, errand: &Errand) -> Result<Option<Errand>, NotNow> {
    let key = errand.key.clone();
    match app.execute(PickUp { key: key.clone() }, Trace::default()).await {
        Ok(Visit::PickedUp(transit)) => Ok(Some(Errand::new(errand.due, key, What::TellPickedUp(transit)))),
        Ok(Visit::TooEarly(due)) => Ok(Some(Errand::new(due, key, What::PickUp))),
        Ok(Visit::Nothing) => Ok(None),
        Err(_) => Err(NotNow),
    }
}

async fn tell_picked_up(sandbox: &Sandbox, errand: &Errand, transit: &Transit) -> Result<Option<Errand>, NotNow> {
    tell(sandbox, transit, Progress::PickedUp).await?;
    Ok(Some(Errand::new(transit.deliver_at, errand.key.clone(), What::Deliver(transit.clone()))))
}

/// Told first and written down after: a delivery can be neither refused nor taken back, and so whether the shop has heard
/// of it needs no note of its own. A crash in between tells it again.
async fn deliver(app: &App, sandbox: &Sandbox, errand: &Errand, transit: &Transit) -> Result<Option<Errand>, NotNow> {
    let at = transit.deliver_at;
    tell(sandbox, transit, Progress::Delivered { at }).await?;
    app.execute(Deliver { key: errand.key.clone(), at }, Trace::default()).await.map_err(|_| NotNow)?;
    Ok(None)
}

async fn tell(sandbox: &Sandbox, transit: &Transit, progress: Progress) -> Result<(), NotNow> {
    let tell = sandbox.0.tell.get().ok_or(NotNow)?;
    let news = CarrierNews { order_id: transit.order_id, tracking_number: transit.tracking_number.clone(), progress };
    match tell(news).await {
        Heard::Accepted => Ok(()),
        Heard::NotNow => Err(NotNow),
        Heard::Unknown => {
            warn!(order.id = %transit.order_id, "the shop does not know a parcel that this carrier has");
            Ok(())
        }
    }
}

/// Finds what an earlier process has left to do: once, through the whole table, because an index would cost every booking
/// more than this costs a start. Never returns.
async fn remember(app: &App, sandbox: &Sandbox, found: &UnboundedSender<Errand>) {
    let mut after = String::new();
    loop {
        match unfinished(app, &after).await {
            Ok(page) => {
                let Some(last) = page.last() else { break };
                after.clone_from(&last.key);
                for errand in page.into_iter().filter_map(|booking| Errand::of(booking, sandbox.0.pace)) {
                    drop(found.send(errand));
                }
            }
            Err(error) => {
                warn!(%error, "the bookings cannot be read now; trying until they can");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
    std::future::pending::<()>().await; // until the rounds end
}

async fn unfinished(app: &App, after: &str) -> Result<Vec<super::Booking>, DbErr> {
    let unfinished = Entity::find()
        .filter(Column::Key.gt(after))
        .filter(Column::Refused.is_null())
        .filter(Column::CancelledAt.is_null())
        .filter(Column::DeliveredAt.is_null());
    unfinished.order_by_asc(Column::Key).limit(1000).all(app.db()).await
}
