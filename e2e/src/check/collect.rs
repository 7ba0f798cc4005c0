//! Getting the facts: over HTTP, once nothing moves any more.

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

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth<'a> {
    /// The shop's own orders and products: others use the system as well. Outboxes, parked records, dead letters and analytics
    /// are not judged: what is there may be of others.
    Own,
    /// The whole system, which nobody else used, and so many of its orders from every service. `processes`: the address of
    /// each process, or outboxes, parked records and dead letters cannot be judged, which is an error.
    Whole { closely: usize, processes: &'a [SocketAddr] },
}

/// Calls under way at once.
const CONCURRENCY: usize = 16;
/// How long nothing may get on: a circuit breaker keeps calls back for up to half a minute, and again when it opens anew.
const REST: Duration = Duration::from_secs(150);
/// How long the last readers (analytics, what an order shows) may take to follow.
const GRACE: Duration = Duration::from_secs(15);
/// What is parked may have to wait so long for its next try (30 s).
const NEXT_TRY: Duration = Duration::from_secs(35);

/// Waits until every order has ended, and what is left in outboxes or parked gets no less.
pub async fn settle(client: &Client, history: &History, depth: Depth<'_>) -> Result<(), CheckError> {
    // a large backlog takes its time; as long as it gets smaller nobody gives up
    let (mut least, mut since) = (u64::MAX, Instant::now());
    let mut moving = String::new();
    while since.elapsed() < REST {
        let (open, waiting) = match depth {
            Depth::Own => (open_of(client, history).await?, 0),
            Depth::Whole { processes, .. } => (open_of_all(client).await?, waiting(processes).await?),
        };
        let left = open.values().sum::<u64>() + waiting;
        // What else is left when nothing is open is for the rules to judge.
        if left == 0 || (open.is_empty() && left == least && since.elapsed() >= NEXT_TRY) {
            return Ok(());
        }
        if left < least {
            (least, since) = (left, Instant::now());
        }
        let waits = ("messages in outboxes or parked".to_owned(), waiting);
        let all = open.into_iter().chain([waits]).map(|(what, count)| format!("{count} {what}"));
        moving = all.collect::<Vec<_>>().join(", ");
        sleep(Duration::from_millis(250)).await; // a look goes through whole tables
    }
    Err(CheckError::Restless { seconds: REST.as_secs(), moving })
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

/// Counts what moves. Orders are counted by the dashboard, and the dashboard is held against the lists in the end.
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

/// Messages in outboxes, and what is parked.
async fn waiting(processes: &[SocketAddr]) -> Result<u64, Unasked> {
    let left = ask(processes).await?;
    Ok(left.values().map(|left| left.outbox + left.parked.values().sum::<u64>()).sum())
}

/// For a while again and again: a database that has just come back costs each of a process' connections a failure.
async fn ask(processes: &[SocketAddr]) -> Result<ByService, Unasked> {
    within(GRACE, async || leftovers(processes).await).await
}

/// Collects and judges, again and again for a while: services learn of each other's last events a moment later.
pub(super) async fn collect_clean(client: &Client, history: &History, depth: Depth<'_>) -> Result<Facts, CheckError> {
    let judged = within(GRACE, async || match collect(client, history.clone(), depth).await {
        Err(error) => Ok(Err(error)),
        Ok(facts) => {
            let found = super::violations(&facts);
            if found.is_empty() { Ok(Ok(facts)) } else { Err(found) }
        }
    });
    judged.await.map_err(CheckError::Broken)?
}

/// The facts as they are now.
pub async fn collect(client: &Client, history: History, depth: Depth<'_>) -> Result<Facts, CheckError> {
    let own: BTreeSet<Uuid> = history.accepted.values().map(|accepted| accepted.order_id).collect();
    let mut facts = Facts { history, ..Facts::default() };
    let looked_at: Vec<Uuid> = match depth {
        Depth::Own => own.iter().copied().collect(),
        Depth::Whole { closely, .. } => {
            facts.orders = all(client, "/api/v1/orders?limit=200").await?;
            let ids: Vec<Uuid> = facts.orders.iter().map(|order| order.order_id).collect();
            ids.choose_multiple(&mut rand::rng(), closely).copied().collect()
        }
    };
    let details = stream::iter(looked_at).map(|id| async move { Ok::<_, CallError>((id, detail(client, id).await?)) });
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

/// One order from every service; nothing when the order service does not know it.
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

/// Analytics' figures since the first order; nothing without orders.
async fn dashboard(client: &Client, orders: &[OrderSummary]) -> Result<Option<Dashboard>, CallError> {
    let Some(first) = orders.iter().map(|order| order.created_at).min() else { return Ok(None) };
    client.get(&format!("/api/v1/analytics/dashboard?from={first}&bucket=hour")).await.map(Some)
}
