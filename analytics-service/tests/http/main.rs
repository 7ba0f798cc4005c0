//! The API on a real service, with database and log in a temporary directory, fed with events of other services.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

mod scenario;

use analytics_service::{
    domain::rows::{figures, order, sales},
    saga::Analytics,
    service,
};
use axum::{body::Body, http::Request};
use bus::Record;
use clock::Clock;
use events::{choreography, service::ANALYTICS};
use futures_util::StreamExt;
use scenario::{Scenario, at, product};
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};
use testkit::{Fixture, Node, eventually};
use tower::ServiceExt;

const HOUR: &str = "from=2026-01-24T10:00:00Z&to=2026-01-24T11:00:00Z";

async fn get(it: &Fixture, path: &str) -> Value {
    let reply = it.get(&format!("/api/v1/analytics/{path}")).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.json());
    reply.json()
}

/// Publishes the events and waits until they are in the figures.
async fn publish(it: &Fixture, scenario: Scenario) {
    let published = it.host.bus.publish(scenario.into_events()).await;
    assert!(published.failure.is_none(), "{:?}", published.failure);
    eventually("the figures to follow", async || {
        let metrics = get(it, "metrics").await;
        metrics["lag"].as_object().unwrap().values().all(|lag| *lag == 0).then_some(())
    })
    .await;
}

/// A delivered order of 2 teapots, a declined one of a cup, a cancelled and refunded one of a cup, and one in dollars.
fn morning() -> Scenario {
    let mut scenario = Scenario::default();
    scenario.product(1, "Teapot").product(2, "=Cup");
    scenario
        .order(1, at("10:00:30"))
        .items(&[(1, 2, 2_995)])
        .reserved(5)
        .charged(10)
        .confirmed(12)
        .shipped(2_000)
        .delivered(12_000);
    scenario.order(2, at("10:00:59")).items(&[(2, 1, 500)]).reserved(5).declined(10);
    scenario
        .order(3, at("10:20:00"))
        .items(&[(2, 1, 500)])
        .reserved(5)
        .charged(10)
        .confirmed(20)
        .cancelled(30)
        .refunded(40);
    scenario.order(4, at("09:59:00")).items(&[(1, 1, 2_995)]).reserved(5).charged(10).confirmed(20);
    scenario
}

#[tokio::test]
async fn the_dashboard_shows_the_figures_of_orders_placed_in_the_window() {
    let it = Fixture::start(service()).await;
    publish(&it, morning()).await;
    let shown = get(&it, &format!("dashboard?{HOUR}")).await;
    assert_eq!(
        shown["orders"],
        json!({ "placed": 3, "reserved": 3, "confirmed": 2, "shipped": 1, "delivered": 1, "cancelled": 1, "failed": 1, "open": 0 })
    );
    assert_eq!(
        shown["revenue"],
        json!([{ "currency": "EUR", "charged": "64.90", "refunded": "5.00", "net": "59.90", "averageOrder": "32.45" }])
    );
    assert_eq!(
        shown["window"],
        json!({ "from": "2026-01-24T10:00:00.000Z", "to": "2026-01-24T11:00:00.000Z", "bucket": "minute" })
    );
    assert_eq!(shown["funnel"][0], json!({ "step": "placed", "orders": 3, "share": 1.0 }));
    assert_eq!(shown["funnel"][4]["orders"], 1);
    let reasons = json!([{ "reason": "CUSTOMER_REQUEST", "orders": 1 }, { "reason": "CARD_DECLINED", "orders": 1 }]);
    assert_eq!(shown["failures"], reasons);
    assert_eq!(
        shown["topProducts"],
        json!([{ "productId": product(1), "name": "Teapot", "units": 2, "revenue": "59.90", "currency": "EUR" }])
    );
    assert_eq!(shown["latencyMs"]["placedToConfirmed"], json!({ "p50": 12, "p95": 20, "p99": 20 }));
    assert_eq!(shown["series"].as_array().unwrap().len(), 60);
    assert_eq!(
        shown["series"][0],
        json!({ "at": "2026-01-24T10:00:00.000Z", "placed": 2, "confirmed": 1, "cancelled": 0, "failed": 1, "charged": "59.90" })
    );
    assert_eq!(shown["previous"], json!({ "placed": 1, "confirmed": 1, "charged": "29.95" }));

    for bucket in ["hour", "day"] {
        let by = get(&it, &format!("dashboard?{HOUR}&bucket={bucket}")).await;
        assert_eq!(by["series"].as_array().unwrap().len(), 1);
        assert_eq!(by["orders"]["delivered"], 1, "{bucket}");
    }
    let metrics = get(&it, &format!("metrics?{HOUR}")).await;
    assert_eq!(metrics["numbers"]["orders.placed"], 3);
    assert_eq!(metrics["numbers"]["revenue.EUR.net"], 5_990);
    assert_eq!(metrics["numbers"]["latencyMs.placedToConfirmed.p99"], 20);
    assert_eq!(metrics["lag"]["orders-in"], 0);
    it.stop().await;
}

#[tokio::test]
async fn a_dashboard_without_orders() {
    let it = Fixture::start(service()).await;
    let shown = get(&it, "dashboard").await;
    assert_eq!((&shown["orders"]["placed"], &shown["revenue"]), (&json!(0), &json!([])));
    assert_eq!(shown["series"].as_array().unwrap().len(), 60);
    assert_eq!(shown["funnel"][1], json!({ "step": "reserved", "orders": 0, "share": 0.0 }));
    it.stop().await;
}

#[tokio::test]
async fn an_invalid_request_is_refused() {
    let it = Fixture::start(service()).await;
    for (path, status, field) in [
        ("dashboard?from=2026-01-24T11:00:00Z&to=2026-01-24T10:00:00Z", 422, "from"),
        ("dashboard?from=2026-01-01T00:00:00Z&to=2026-01-24T10:00:00Z", 422, "bucket"),
        ("metrics?to=1999-01-24T10:00:00Z", 422, "to"),
        ("dashboard?bucket=week", 400, "bucket"),
        ("dashboard?from=yesterday", 400, "from"),
        ("dashboard?form=2026-01-24T10:00:00Z", 400, "form"),
        ("reports/customers", 400, "name"),
        ("reports/orders?to=1999-01-24T10:00:00Z", 422, "to"),
    ] {
        let reply = it.get(&format!("/api/v1/analytics/{path}")).await;
        let problem = reply.json();
        assert_eq!((reply.status, problem["errors"][0]["field"].as_str()), (status, Some(field)), "{path}: {problem}");
    }
    it.stop().await;
}

#[tokio::test]
async fn reports_are_served_as_json_and_as_csv() {
    let it = Fixture::start(service()).await;
    publish(&it, morning()).await;
    let csv = async |name: &str| {
        let path = format!("/api/v1/analytics/reports/{name}?{HOUR}");
        let reply = it.send("GET", &path, &[("accept", "text/csv")], None).await;
        assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
        assert_eq!(reply.header("content-disposition"), Some(&*format!("attachment; filename=\"{name}.csv\"")));
        String::from_utf8(reply.body).unwrap()
    };
    assert_eq!(
        csv("orders").await,
        "at,placed,reserved,confirmed,shipped,delivered,cancelled,failed,open\r\n2026-01-24T10:00:00.000Z,3,3,2,1,1,1,1,0\r\n"
    );
    assert_eq!(
        csv("revenue").await,
        "at,currency,orders,charged,refunded,net,averageOrder\r\n2026-01-24T10:00:00.000Z,EUR,2,64.90,5.00,59.90,32.45\r\n"
    );
    assert_eq!(csv("failures").await, "reason,orders\r\nCUSTOMER_REQUEST,1\r\nCARD_DECLINED,1\r\n");
    let rows = format!("productId,name,currency,units,revenue\r\n{},Teapot,EUR,2,59.90\r\n", product(1));
    assert_eq!(csv("products").await, rows);

    let products = get(&it, &format!("reports/products?{HOUR}")).await;
    let teapot =
        json!({ "productId": product(1), "name": "Teapot", "currency": "EUR", "units": 2, "revenue": "59.90" });
    assert_eq!((&products["items"], &products["window"]["bucket"]), (&json!([teapot]), &json!("hour")));
    let pdf = it.send("GET", "/api/v1/analytics/reports/orders", &[("accept", "application/pdf")], None).await;
    assert_eq!((pdf.status, pdf.json()["type"].as_str()), (406, Some("/problems/not-acceptable")));
    assert_eq!(it.get("/problems/not-acceptable").await.status, 200);
    it.stop().await;
}

#[tokio::test]
async fn the_stream_sends_the_dashboard_at_once_and_when_it_changes() {
    let it = Fixture::start(service()).await;
    let request = Request::get("/api/v1/analytics/stream").body(Body::empty()).unwrap();
    let answer = it.router.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut chunks = answer.into_body().into_data_stream();
    let mut next = async || {
        let chunk = chunks.next().await.unwrap().unwrap();
        let text = String::from_utf8(chunk.to_vec()).unwrap();
        let data = text.strip_prefix("event: dashboard\ndata: ").unwrap().trim_end();
        serde_json::from_str::<Value>(data).unwrap()
    };
    assert_eq!(next().await["orders"]["placed"], 0);
    let mut scenario = Scenario::default();
    scenario.order(1, it.host.clock.now()).items(&[(1, 1, 100)]);
    publish(&it, scenario).await;
    // A dashboard is also sent when a new minute has begun meanwhile.
    let mut sent = next().await;
    while sent["orders"]["placed"] == 0 {
        sent = next().await;
    }
    assert_eq!(sent["orders"]["open"], 1);
    drop(chunks);
    it.stop().await;
}

/// Many orders, their events shuffled and repeated, in batches of any size, with a restart in between: the rows equal
/// those of a fold in memory of each event once, in order. Also proves that every batch loads the rows it changes.
#[tokio::test]
async fn the_database_has_the_rows_of_the_fold() {
    let mut scenario = Scenario::default();
    for number in 0..60_u32 {
        let placed = at("10:00:00") + chrono::TimeDelta::seconds(i64::from(number) * 7);
        let order =
            scenario.order(number.into(), placed).items(&[(u128::from(number % 17), 1, 100), (99, 2, 5)]).reserved(5);
        match number % 4 {
            0 => order.charged(10).confirmed(12).shipped(500).delivered(90_000),
            1 => order.declined(10),
            2 => order.charged(10).confirmed(12).cancelled(60_000).refunded(60_001),
            _ => order.charged(10),
        };
    }
    let events = scenario.into_events();
    let mut node: Node<Analytics> =
        Node::new("analytics-service", Analytics, choreography::heard_by(ANALYTICS), Clock::system());
    for (event, offset) in events.iter().zip(0..) {
        let record = Record { topic: event.topic.clone(), partition: 0, offset, message: event.message.clone() };
        node.deliver(&record);
    }

    let mut it = Fixture::start(service()).await;
    let half = events.len() / 2;
    let order: Vec<_> = (0..events.len()).map(|index| (index * 101 + 17) % events.len()).collect();
    let some = |range: std::ops::Range<usize>| Scenario::of(order[range].iter().map(|index| events[*index].clone()));
    publish(&it, some(0..half)).await;
    it = it.restart(service()).await;
    for from in (0..events.len()).step_by(37) {
        publish(&it, some(from..events.len().min(from + 37))).await;
    }

    let db = it.app.db();
    let stored = order::Entity::find().order_by_asc(order::Column::OrderId).all(db).await.unwrap();
    assert_eq!(stored, node.work.orders.iter().cloned().collect::<Vec<_>>());
    let (bucket, at) = (figures::Column::Bucket, figures::Column::At);
    let stored = figures::Entity::find().order_by_asc(bucket).order_by_asc(at).all(db).await.unwrap();
    assert_eq!(stored, node.work.figures.iter().cloned().collect::<Vec<_>>());
    // An order that was charged and then cancelled leaves an empty row.
    let (bucket, at, shard) = (sales::Column::Bucket, sales::Column::At, sales::Column::Shard);
    let stored = sales::Entity::find().order_by_asc(bucket).order_by_asc(at).order_by_asc(shard).all(db);
    let stored = stored.await.unwrap().into_iter().filter(|row| !row.sales.is_empty());
    let folded = node.work.sales.iter().filter(|row| !row.sales.is_empty()).cloned();
    assert_eq!(stored.collect::<Vec<_>>(), folded.collect::<Vec<_>>());
    it.stop().await;
}
