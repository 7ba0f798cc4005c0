//! Systems for scenarios, and helpers.

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

/// Provider and carrier answer at once, and retries follow quickly.
pub const FAST: &[&str] = &[
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

/// For systems of several processes: calls to the sandbox cross processes on a busy machine.
const LONG_TIMEOUTS: &[&str] = &["payment.timeout=2s", "fulfillment.timeout=3s"];

/// Interval between orders of one worker in such a system: the tests are about correctness, not
/// throughput.
const ORDER_INTERVAL: Duration = Duration::from_millis(200);

/// Parcels are not picked up during a test, and the time-out covers slow answers of the provider.
pub const SLOW_CARRIER: &[&str] = &["sandbox.carrier.pickup_after=1d", "payment.timeout=5s"];

/// A shop on a shared system in which every step follows at once.
pub async fn fast_shop() -> Shop {
    static SYSTEM: OnceCell<System> = OnceCell::const_new();
    at(SYSTEM.get_or_init(|| system(&[])).await)
}

/// A shop on a shared system in which confirmed orders stay confirmed.
pub async fn slow_carrier_shop() -> Shop {
    static SYSTEM: OnceCell<System> = OnceCell::const_new();
    at(SYSTEM.get_or_init(|| system(SLOW_CARRIER)).await)
}

/// Starts a system with additional settings.
pub async fn system(settings: &[&str]) -> System {
    let timeouts = if Stage::given().is_some() { LONG_TIMEOUTS } else { &[] };
    match System::start(&[FAST, timeouts, settings].concat()).await {
        Ok(system) => system,
        Err(error) => panic!("{error}"),
    }
}

/// A new shop on this system.
pub fn at(system: &System) -> Shop {
    Shop::new(system.client())
}

/// Runs `meanwhile` while eight workers place orders. A worker repeats an unanswered request with
/// the same key.
pub async fn under_load<T>(shop: &Shop, product: &Product, meanwhile: impl Future<Output = T>) -> T {
    let open = AtomicBool::new(true);
    let buying = join_all((0..8).map(|worker| keep_buying(shop, product, &open, worker)));
    let closing = async {
        let done = meanwhile.await;
        open.store(false, Ordering::Relaxed);
        done
    };
    tokio::join!(buying, closing).1
}

async fn keep_buying(shop: &Shop, product: &Product, open: &AtomicBool, worker: usize) {
    // After an outage calls come at once. Fewer than ten of these may fail, or a circuit breaker
    // would open.
    const BAD: [&str; 3] = ["tok_declined", "tok_flaky", "tok_timeout_charged"];
    for round in worker.. {
        if !open.load(Ordering::Relaxed) {
            return;
        }
        let (key, order) =
            (ids::key(), NewOrder::of(product, 1).paid_with(BAD.get(round % 16).copied().unwrap_or("tok_ok")));
        let placed = eventually("an order is answered", async || shop.place_as(&key, &order).await).await;
        if Stage::given().is_some() {
            tokio::time::sleep(ORDER_INTERVAL).await;
        }
        if round % 9 == 0 {
            let _ = shop.cancel(placed.order_id).await; // without an answer, too: the checker verifies the result
        }
    }
}

/// Waits until this number of further orders has been accepted.
pub async fn more_orders(shop: &Shop, more: usize) {
    let target = shop.history().accepted.len() + more;
    eventually("orders are accepted", async || {
        let placed = shop.history().accepted.len();
        if placed >= target { Ok(()) } else { Err(format!("{placed} of {target}")) }
    })
    .await;
}

/// Waits until an order has this status.
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

/// Waits until a payment has one of these statuses.
pub async fn payment_becomes(shop: &Shop, order: Uuid, statuses: &[&str]) -> String {
    let what = format!("payment of {order} becomes {statuses:?}");
    eventually(&what, async || {
        let payment: Value = shop.client.get(&format!("/api/v1/payments/{order}")).await.map_err(|e| e.to_string())?;
        let status = payment["status"].as_str().unwrap_or_default().to_owned();
        if statuses.contains(&status.as_str()) { Ok(status) } else { Err(payment.to_string()) }
    })
    .await
}

/// Checks the shop's own orders and products. Panics on a violation.
pub async fn check_own(shop: &Shop) -> Facts {
    facts_of(check::check(&shop.client, shop.history(), Depth::Own).await)
}

/// Checks the whole system, which only this shop has used. Panics on a violation.
pub async fn check_all(system: &System, shop: &Shop) -> Facts {
    facts_of(run_check(shop, &system.addresses()).await)
}

/// Checks the whole system of these processes.
pub async fn run_check(shop: &Shop, processes: &[SocketAddr]) -> Result<Facts, CheckError> {
    check::check(&shop.client, shop.history(), Depth::Whole { closely: usize::MAX, processes }).await
}

fn facts_of(checked: Result<Facts, CheckError>) -> Facts {
    match checked {
        Ok(facts) => facts,
        Err(error) => panic!("{error}"),
    }
}

/// Changes the behaviour of the provider or the carrier.
pub async fn behave(client: &Client, sandbox: &str, behaviour: Value) {
    let answer = client.write(Method::PUT, &format!("/sandbox/{sandbox}/behaviour"), &behaviour).await.unwrap();
    assert!(answer.status.is_success(), "{}", answer.text());
}
