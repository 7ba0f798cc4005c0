//! Getting the facts: over HTTP, once nothing moves any more.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use events::{OrderStatus, Timestamp};
use futures_util::{StreamExt, TryStreamExt, stream};
use hyper::Method;
use rand::seq::IndexedRandom as _;
use serde_json::Value;
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    CheckError,
    facts::{Detail, Facts, Whole},
};
use crate::{
    client::{CallError, Client, call},
    eventually::within,
    model::{LedgerEntry, Notification, OrderSummary, Page, Payment, Product, Reservation, Shipment, Transition, all},
    shop::History,
};

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The shop's own orders and products: others use the system as well.
    Own,
    /// The whole system, which nobody else used, and so many of its orders from every service.
    Whole { closely: usize },
}

/// Calls under way at once.
const CONCURRENCY: usize = 16;
/// How long nothing may get on: a circuit breaker keeps calls back for up to half a minute, and again when it opens anew.
const REST: Duration = Duration::from_secs(150);
/// How long the last readers (analytics, what an order shows) may take to follow.
const GRACE: Duration = Duration::from_secs(15);
const SERVICES: [&str; 6] = ["order", "inventory", "payment", "fulfillment", "notification", "analytics"];

/// Waits until every order has ended.
pub async fn settle(client: &Client, history: &History, depth: Depth) -> Result<(), CheckError> {
    // a large backlog takes its time; as long as it gets smaller nobody gives up
    let (mut least, mut since) = (u64::MAX, Instant::now());
    let mut moving = String::new();
    while since.elapsed() < REST {
        let open = match depth {
            Depth::Own => open_of(client, history).await?,
            Depth::Whole { .. } => open_of_all(client).await?,
        };
        let left = open.values().sum();
        if left == 0 {
            return Ok(());
        }
        if left < least {
            (least, since) = (left, Instant::now());
        }
        moving = open.iter().map(|(what, count)| format!("{count} {what}")).collect::<Vec<_>>().join(", ");
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
    open.insert("messages in an outbox".to_owned(), outbox(client).await?);
    let pending: Page<Value> = client.get("/api/v1/notifications?status=PENDING&limit=200").await?;
    open.insert("notifications PENDING".to_owned(), pending.items.len() as u64);
    open.retain(|_, count| *count > 0);
    Ok(open)
}

/// Collects and judges, again and again for a while: services learn of each other's last events a moment later.
pub(super) async fn collect_clean(client: &Client, history: &History, depth: Depth) -> Result<Facts, CheckError> {
    let judged = within(GRACE, async || match collect(client, history.clone(), depth).await {
        Err(error) => Ok(Err(CheckError::Call(error))),
        Ok(facts) => {
            let found = super::violations(&facts);
            if found.is_empty() { Ok(Ok(facts)) } else { Err(found) }
        }
    });
    judged.await.map_err(CheckError::Broken)?
}

/// The facts as they are now.
pub async fn collect(client: &Client, history: History, depth: Depth) -> Result<Facts, CallError> {
    let own: BTreeSet<Uuid> = history.accepted.values().map(|accepted| accepted.order_id).collect();
    let mut facts = Facts { history, ..Facts::default() };
    let looked_at: Vec<Uuid> = match depth {
        Depth::Own => own.iter().copied().collect(),
        Depth::Whole { closely } => {
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
        Depth::Whole { .. } => {
            facts.products = all::<Product>(client, "/api/v1/products?limit=200").await?;
            facts.whole = Some(whole(client, &facts.orders).await?);
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

async fn whole(client: &Client, orders: &[OrderSummary]) -> Result<Whole, CallError> {
    let mut whole = Whole { outbox: outbox(client).await?, ..Whole::default() };
    let first: Option<Timestamp> = orders.iter().map(|order| order.created_at).min();
    if let Some(first) = first {
        whole.dashboard = client.find(&format!("/api/v1/analytics/dashboard?from={first}&bucket=hour")).await?;
    }
    for service in SERVICES {
        let admin = format!("/admin/{service}-service");
        let parked: Option<Page<Value>> = client.find(&format!("{admin}/parked")).await?;
        let letters: Option<Page<Value>> = client.find(&format!("{admin}/dead-letters?state=OPEN")).await?;
        let count = |page: Option<Page<Value>>| page.map(|page| page.items.len() as u64);
        whole.parked.extend(count(parked).map(|count| (service.to_owned(), count)));
        whole.dead_letters.extend(count(letters).map(|count| (service.to_owned(), count)));
    }
    let audit: Option<Value> = client.find("/api/v1/audit").await?;
    let complaints = audit.as_ref().and_then(|audit| audit["violations"].as_array());
    whole.audit = complaints.into_iter().flatten().map(Value::to_string).collect();
    Ok(whole)
}

/// Messages that are saved but not on the bus, of all services.
pub async fn outbox(client: &Client) -> Result<u64, CallError> {
    let metrics = client.send(call(Method::GET, "/metrics")).await?;
    Ok(gauge(&metrics.text(), "uzon_outbox_messages"))
}

/// The sum of a metric's lines; their values are counts.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, written as floats")]
pub fn gauge(metrics: &str, name: &str) -> u64 {
    let values = metrics.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let value = if rest.starts_with('{') { rest.rsplit_once('}')?.1 } else { rest.strip_prefix(' ')? };
        value.trim().parse::<f64>().ok()
    });
    values.sum::<f64>() as u64
}
