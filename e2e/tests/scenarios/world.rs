//! The systems that scenarios run on, and the words they are told in.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use e2e::{
    check::{self, CheckError, Depth, Facts, facts::Detail},
    client::Client,
    eventually::eventually,
    ids,
    model::Product,
    shop::{NewOrder, Shop},
    system::{Stage, System},
};
use events::OrderStatus;
use futures_util::future::join_all;
use hyper::Method;
use serde_json::Value;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// The outside world answers at once, and what is retried is retried soon.
pub const BRISK: &[&str] = &[
    "sandbox.payment.latency=0ms",
    "sandbox.carrier.latency=0ms",
    "sandbox.carrier.error_rate=0",
    "sandbox.carrier.pickup_after=0s",
    "sandbox.carrier.deliver_after=0s",
    "payment.timeout=300ms",
    "fulfillment.timeout=500ms",
    "notification.first_retry=50ms",
    "delivery.first_retry=50ms",
    "telemetry.log_format=json",
];

/// Where a call to the outside world is one to another process, on a machine that has many.
const ROOMY: &[&str] = &["payment.timeout=2s", "fulfillment.timeout=3s"];

/// Between two orders of one customer there: what is tried is what becomes of orders, not how many there can be.
const PACE: Duration = Duration::from_millis(200);

/// The same, but parcels are not picked up in our lifetime, and slow answers of the provider are waited for.
pub const UNHURRIED: &[&str] = &["sandbox.carrier.pickup_after=1d", "payment.timeout=5s"];

/// A shop at a system where everything happens at once.
pub async fn brisk() -> Shop {
    static SYSTEM: OnceCell<System> = OnceCell::const_new();
    at(SYSTEM.get_or_init(|| system(&[])).await)
}

/// A shop at a system where confirmed orders stay what they are.
pub async fn unhurried() -> Shop {
    static SYSTEM: OnceCell<System> = OnceCell::const_new();
    at(SYSTEM.get_or_init(|| system(UNHURRIED)).await)
}

/// A system of one's own, with these settings more.
pub async fn system(settings: &[&str]) -> System {
    let roomy = if Stage::given().is_some() { ROOMY } else { &[] };
    match System::start(&[BRISK, roomy, settings].concat()).await {
        Ok(system) => system,
        Err(error) => panic!("{error}"),
    }
}

/// A shop at this system.
pub fn at(system: &System) -> Shop {
    Shop::new(system.client())
}

/// Does this while a shop buys that never gives up: no answer means asking again with the same key.
pub async fn under_load<T>(shop: &Shop, product: &Product, meanwhile: impl Future<Output = T>) -> T {
    let open = AtomicBool::new(true);
    let buying = join_all((0..8).map(|worker| buy_on(shop, product, &open, worker)));
    let closing = async {
        let done = meanwhile.await;
        open.store(false, Ordering::Relaxed);
        done
    };
    tokio::join!(buying, closing).1
}

async fn buy_on(shop: &Shop, product: &Product, open: &AtomicBool, worker: usize) {
    // Of the calls that come at once when something is back, fewer than ten must fail: a circuit breaker would open.
    const BAD: [&str; 3] = ["tok_declined", "tok_flaky", "tok_timeout_charged"];
    for round in worker.. {
        if !open.load(Ordering::Relaxed) {
            return;
        }
        let (key, order) =
            (ids::key(), NewOrder::of(product, 1).paid_with(BAD.get(round % 16).copied().unwrap_or("tok_ok")));
        let placed = eventually("an order is answered", async || shop.place_as(&key, &order).await).await;
        if Stage::given().is_some() {
            tokio::time::sleep(PACE).await;
        }
        if round % 9 == 0 {
            let _ = shop.cancel(placed.order_id).await; // answered or not: the checker sees what came of it
        }
    }
}

/// Waits until so many more orders have been accepted.
pub async fn more_orders(shop: &Shop, more: usize) {
    let target = shop.history().accepted.len() + more;
    eventually("orders are accepted", async || {
        let placed = shop.history().accepted.len();
        if placed >= target { Ok(()) } else { Err(format!("{placed} of {target}")) }
    })
    .await;
}

/// Waits until an order is what it should become.
pub async fn becomes(shop: &Shop, order: Uuid, status: OrderStatus) -> Detail {
    let what = format!("order {order} becomes {status:?}");
    eventually(&what, async || match check::collect::detail(&shop.client, order).await {
        Ok(Some(detail)) if detail.order.status == status => Ok(detail),
        Ok(Some(detail)) if detail.order.status.is_terminal() => panic!("{what}: it ended as {:?}", detail.order),
        Ok(Some(detail)) => Err(format!("{:?}", detail.order.status)),
        Ok(None) => Err("unknown".to_owned()),
        Err(error) => Err(error.to_string()),
    })
    .await
}

/// Waits until a payment is one of these.
pub async fn payment_becomes(shop: &Shop, order: Uuid, statuses: &[&str]) -> String {
    let what = format!("payment of {order} becomes {statuses:?}");
    eventually(&what, async || {
        let payment: Value = shop.client.get(&format!("/api/v1/payments/{order}")).await.map_err(|e| e.to_string())?;
        let status = payment["status"].as_str().unwrap_or_default().to_owned();
        if statuses.contains(&status.as_str()) { Ok(status) } else { Err(payment.to_string()) }
    })
    .await
}

/// The shop's orders and products are as they must be.
pub async fn sound(shop: &Shop) -> Facts {
    judged(check::check(&shop.client, shop.history(), Depth::Own).await)
}

/// Everything is as it must be, in a system that nobody but this shop has used.
pub async fn all_sound(system: &System, shop: &Shop) -> Facts {
    judged(all_checked(shop, &system.addresses()).await)
}

/// What the checker says of all of a system that has these processes.
pub async fn all_checked(shop: &Shop, processes: &[SocketAddr]) -> Result<Facts, CheckError> {
    check::check(&shop.client, shop.history(), Depth::Whole { closely: usize::MAX, processes }).await
}

fn judged(judgement: Result<Facts, CheckError>) -> Facts {
    match judgement {
        Ok(facts) => facts,
        Err(error) => panic!("{error}"),
    }
}

/// How the provider or the carrier behaves from now on.
pub async fn behave(client: &Client, who: &str, how: Value) {
    let answer = client.write(Method::PUT, &format!("/sandbox/{who}/behaviour"), &how).await.unwrap();
    assert!(answer.status.is_success(), "{}", answer.text());
}
