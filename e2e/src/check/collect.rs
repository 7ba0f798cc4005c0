//! Collects the facts over HTTP once the system is idle.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::{Duration, Instant},
};

use events::OrderStatus;
use futures_util::{StreamExt, TryStreamExt, stream};
use rand::seq::IndexedRandom as _;
use serde_json::Value;
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    CheckError,
    facts::{Detail, Facts, Whole},
    leftovers::{ByService, Unasked, leftovers},
};
use crate::{
    client::{CallError, Client},
    eventually::within,
    model::{
        Dashboard, LedgerEntry, Notification, OrderSummary, Page, Payment, Product, Reservation, Shipment, Transition,
        all,
    },
    shop::History,
};

/// Scope of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth<'a> {
    /// Only the shop's own orders and products, because other clients use the system, too.
    /// Outboxes, parked records, dead letters and analytics are not checked: they may belong to
    /// other clients.
    Own,
    /// The whole system, which no other client has used. `closely`: number of orders that are read
    /// from every service. `processes`: addresses of all processes; a missing one is an error,
    /// because its outboxes, parked records and dead letters would be unknown.
    Whole { closely: usize, processes: &'a [SocketAddr] },
}

/// Concurrent calls.
const CONCURRENCY: usize = 16;
/// Longest time without progress. A circuit breaker holds calls back for up to half a minute,
/// possibly several times.
const MAX_STALL: Duration = Duration::from_secs(150);
/// Longest delay of the last consumers (analytics, the payment and parcel that an order shows).
const GRACE: Duration = Duration::from_secs(15);
/// Longer than the pause between attempts for parked records (30 s).
const PARKED_RETRY: Duration = Duration::from_secs(35);

/// Waits until every order has ended and the number of outbox messages and parked records no longer
/// falls.
pub async fn settle(client: &Client, history: &History, depth: Depth<'_>) -> Result<(), CheckError> {
    // waits for a large backlog as long as it shrinks
    let (mut least, mut since) = (u64::MAX, Instant::now());
    let mut pending = String::new();
    while since.elapsed() < MAX_STALL {
        let (open, waiting) = match depth {
            Depth::Own => (open_of(client, history).await?, 0),
            Depth::Whole { processes, .. } => (open_of_all(client).await?, waiting(processes).await?),
        };
        let left = open.values().sum::<u64>() + waiting;
        // When no order is open, the rules judge the remaining leftovers.
        if left == 0 || (open.is_empty() && left == least && since.elapsed() >= PARKED_RETRY) {
            return Ok(());
        }
        if left < least {
            (least, since) = (left, Instant::now());
        }
        let waits = ("messages in outboxes or parked".to_owned(), waiting);
        let all = open.into_iter().chain([waits]).map(|(what, count)| format!("{count} {what}"));
        pending = all.collect::<Vec<_>>().join(", ");
        sleep(Duration::from_millis(250)).await; // each poll scans whole tables
    }
    Err(CheckError::NoProgress { seconds: MAX_STALL.as_secs(), pending })
}

async fn open_of(client: &Client, history: &History) -> Result<BTreeMap<String, u64>, CallError> {
    let mut open = BTreeMap::new();
    for accepted in history.accepted.values() {
        let order: Option<Value> = client.find(&format!("/api/v1/orders/{}/status", accepted.order_id)).await?;
        let status = order.and_then(|order| order["status"].as_str()?.parse::<OrderStatus>().ok());
        if let Some(status) = status.filter(|status| !status.is_terminal()) {
            *open.entry(format!("orders {}", status.as_str())).or_default() += 1;
        }
    }
    Ok(open)
}

/// Counts open orders and pending notifications, at most 200 of each status.
async fn open_of_all(client: &Client) -> Result<BTreeMap<String, u64>, CallError> {
    let mut open = BTreeMap::new();
    for status in OrderStatus::ALL.iter().filter(|status| !status.is_terminal()) {
        let page: Page<Value> = client.get(&format!("/api/v1/orders?limit=200&status={}", status.as_str())).await?;
        open.insert(format!("orders {}", status.as_str()), page.items.len() as u64);
    }
    let pending: Page<Value> = client.get("/api/v1/notifications?status=PENDING&limit=200").await?;
    open.insert("notifications PENDING".to_owned(), pending.items.len() as u64);
    open.retain(|_, count| *count > 0);
    Ok(open)
}

/// Number of outbox messages and parked records.
async fn waiting(processes: &[SocketAddr]) -> Result<u64, Unasked> {
    let left = ask(processes).await?;
    Ok(left.values().map(|left| left.outbox + left.parked.values().sum::<u64>()).sum())
}

/// Retries for a while: after a restart of a database each connection of a process fails once.
async fn ask(processes: &[SocketAddr]) -> Result<ByService, Unasked> {
    within(GRACE, async || leftovers(processes).await).await
}

/// Collects facts and evaluates rules until there is no violation, for a while: the last events
/// arrive with a delay.
pub(super) async fn collect_clean(client: &Client, history: &History, depth: Depth<'_>) -> Result<Facts, CheckError> {
    let checked = within(GRACE, async || match collect(client, history.clone(), depth).await {
        Err(error) => Ok(Err(error)),
        Ok(facts) => {
            let found = super::violations(&facts);
            if found.is_empty() { Ok(Ok(facts)) } else { Err(found) }
        }
    });
    checked.await.map_err(CheckError::Broken)?
}

/// The current facts.
pub async fn collect(client: &Client, history: History, depth: Depth<'_>) -> Result<Facts, CheckError> {
    let own: BTreeSet<Uuid> = history.accepted.values().map(|accepted| accepted.order_id).collect();
    let mut facts = Facts { history, ..Facts::default() };
    let selected: Vec<Uuid> = match depth {
        Depth::Own => own.iter().copied().collect(),
        Depth::Whole { closely, .. } => {
            facts.orders = all(client, "/api/v1/orders?limit=200").await?;
            let ids: Vec<Uuid> = facts.orders.iter().map(|order| order.order_id).collect();
            ids.choose_multiple(&mut rand::rng(), closely).copied().collect()
        }
    };
    let details = stream::iter(selected).map(|id| async move { Ok::<_, CallError>((id, detail(client, id).await?)) });
    let details: Vec<_> = details.buffer_unordered(CONCURRENCY).try_collect().await?;
    facts.details = details.into_iter().filter_map(|(id, detail)| Some((id, detail?))).collect();
    facts.provider = all(client, "/sandbox/payment-provider/ledger").await?;
    facts.carrier = all(client, "/sandbox/carrier/ledger").await?;
    match depth {
        Depth::Own => {
            facts.orders = facts.details.values().map(summary).collect();
            let is_own = |entry: &LedgerEntry| own.contains(&entry.order_id);
            facts.provider.retain(is_own);
            facts.carrier.retain(is_own);
            for id in facts.history.received.keys() {
                facts.products.push(client.get(&format!("/api/v1/products/{id}")).await?);
            }
        }
        Depth::Whole { processes, .. } => {
            facts.products = all::<Product>(client, "/api/v1/products?limit=200").await?;
            let (dashboard, leftovers) = (dashboard(client, &facts.orders).await?, ask(processes).await?);
            facts.whole = Some(Whole { dashboard, leftovers });
        }
    }
    Ok(facts)
}

fn summary(detail: &Detail) -> OrderSummary {
    let order = &detail.order;
    OrderSummary {
        order_id: order.order_id,
        status: order.status,
        status_text: order.status_text.clone(),
        version: order.version,
        currency: order.currency,
        total_amount: order.total_amount,
        created_at: order.created_at,
        links: order.links.clone(),
    }
}

/// One order from every service; `None` if the order service does not know it.
pub async fn detail(client: &Client, id: Uuid) -> Result<Option<Detail>, CallError> {
    let Some(order) = client.find(&format!("/api/v1/orders/{id}")).await? else { return Ok(None) };
    let history: Page<Transition> = client.get(&format!("/api/v1/orders/{id}/history")).await?;
    let payment: Option<Payment> = client.find(&format!("/api/v1/payments/{id}")).await?;
    let reservations: Page<Reservation> = client.get(&format!("/api/v1/reservations?orderId={id}")).await?;
    let shipment: Option<Shipment> = client.find(&format!("/api/fulfillment/orders/{id}")).await?;
    let notifications: Vec<Notification> = all(client, &format!("/api/v1/notifications?orderId={id}")).await?;
    let (history, reservations) = (history.items, reservations.items);
    Ok(Some(Detail { order, history, payment, reservations, shipment, notifications }))
}

/// The dashboard since the first order; `None` without orders.
async fn dashboard(client: &Client, orders: &[OrderSummary]) -> Result<Option<Dashboard>, CallError> {
    let Some(first) = orders.iter().map(|order| order.created_at).min() else { return Ok(None) };
    client.get(&format!("/api/v1/analytics/dashboard?from={first}&bucket=hour")).await.map(Some)
}
