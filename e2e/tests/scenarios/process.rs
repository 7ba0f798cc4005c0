//! The process: it continues its work after a restart or a crash, and reports why it does not
//! start.

use e2e::{
    client::call,
    ids,
    shop::{NewOrder, ORDERS},
    system::{System, run},
};
use events::OrderStatus;
use hyper::{Method, StatusCode};
use serde_json::json;

use crate::world::{at, becomes, behave, check_all, more_orders, system, under_load};

#[tokio::test]
async fn after_a_restart_it_continues_its_work() {
    let system = system(&[]).await;
    let shop = at(&system);
    behave(&shop.client, "carrier", json!({ "down": true })).await;
    let product = shop.product("20.00", 50).await.unwrap();
    let (key, wanted) = (ids::key(), NewOrder::of(&product, 1));
    let first = shop.place_as(&key, &wanted).await.unwrap();
    let answer = shop.client.post(ORDERS, &key, &wanted).await.unwrap();
    let late = shop.place(&NewOrder::of(&product, 2).paid_with("tok_timeout_charged")).await.unwrap().order_id;
    becomes(&shop, first.order_id, OrderStatus::Confirmed).await;

    let ended = system.terminate().await.unwrap();
    assert_eq!(ended.code(), Some(0), "{}", system.log());
    system.start_again().await.unwrap();

    let again = shop.client.post(ORDERS, &key, &wanted).await.unwrap();
    assert_eq!(again.body, answer.body, "the first answer, byte for byte, after a restart as well");
    assert_eq!(again.header("idempotency-replayed"), "true");
    becomes(&shop, first.order_id, OrderStatus::Delivered).await;
    becomes(&shop, late, OrderStatus::Delivered).await;
    check_all(&system, &shop).await;
}

/// Kills the process `rounds` times under load, and checks the system at the end.
async fn killed_under_load(rounds: usize) {
    let system = system(&[]).await;
    let shop = at(&system);
    let product = shop.product("20.00", 1_000_000).await.unwrap();
    under_load(&shop, &product, async {
        for _ in 0..rounds {
            more_orders(&shop, 20 + rand::random_range(0..40)).await;
            system.kill().await.unwrap();
            system.start_again().await.unwrap();
        }
    })
    .await;
    let facts = check_all(&system, &shop).await;
    assert!(facts.orders.len() >= rounds * 20, "{}", facts.orders.len());
    assert!(facts.history.unanswered.is_empty(), "{:?}", facts.history.unanswered);
}

#[tokio::test]
async fn killed_repeatedly_under_load_it_loses_and_repeats_nothing() {
    killed_under_load(5).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn killed_fifty_times_under_load_it_loses_and_repeats_nothing() {
    killed_under_load(50).await;
}

#[tokio::test]
async fn terminated_under_load_it_exits_with_zero_and_loses_nothing() {
    let system = system(&[]).await;
    let shop = at(&system);
    let product = shop.product("20.00", 1_000_000).await.unwrap();
    under_load(&shop, &product, async {
        more_orders(&shop, 100).await;
        let ended = system.terminate().await.unwrap();
        assert_eq!(ended.code(), Some(0), "{}", system.log());
        system.start_again().await.unwrap();
    })
    .await;
    check_all(&system, &shop).await;
}

#[tokio::test]
async fn a_second_one_on_the_same_data_or_port_is_refused_with_a_reason() {
    let system = system(&[]).await;
    let same_data = system.second(true, false).await.unwrap();
    let stderr = String::from_utf8_lossy(&same_data.stderr).into_owned();
    assert_eq!(same_data.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("another uzon") && stderr.contains("--data"), "{stderr}");
    let same_port = system.second(false, true).await.unwrap();
    let stderr = String::from_utf8_lossy(&same_port.stderr).into_owned();
    assert_eq!(same_port.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(&system.address().to_string()), "{stderr}");
    let health = system.client().send(call(Method::GET, "/health/ready")).await.unwrap();
    assert_eq!(health.status, StatusCode::OK, "the first process still runs");
}

#[tokio::test]
async fn a_wrong_setting_stops_the_start_and_is_named() {
    let data = std::env::temp_dir().join(format!("uzon-e2e-{}", ids::key()));
    let with = |setting: &str| {
        let words = ["dev", "--listen", "127.0.0.1:0", "--data", &data.to_string_lossy(), "--set", setting];
        words.map(str::to_owned)
    };
    for setting in ["order.dedline=1s", "order.deadline=soon", "sandbox.carrier.error_rate=2"] {
        let ended = run(&with(setting)).await.unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(64), "{setting}: {stderr}");
        assert!(stderr.contains(setting.split_once('=').unwrap().0), "{setting}: {stderr}");
    }
    assert!(!data.exists(), "a refused start creates nothing");
    let wrong = run(&["dev".to_owned(), "--nonsense".to_owned()]).await.unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

#[tokio::test]
async fn it_serves_health_metrics_and_its_api_document() {
    let system = System::start(crate::world::FAST).await.unwrap();
    let client = system.client();
    for path in ["/health", "/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs", "/problems", "/"] {
        let answer = client.send(call(Method::GET, path)).await.unwrap();
        assert!(answer.status.is_success() || answer.status.is_redirection(), "{path}: {}", answer.status);
    }
    let ready: serde_json::Value = client.get("/health/ready").await.unwrap();
    assert_eq!(ready["status"], "UP", "{ready}");
    let metrics = client.send(call(Method::GET, "/metrics")).await.unwrap().text();
    for name in ["http_requests_total", "process_resident_memory_bytes", "uzon_outbox_messages"] {
        assert!(metrics.contains(name), "{name} is not in\n{metrics}");
    }
}
