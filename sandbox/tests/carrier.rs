//! The carrier's rules, its behaviour, and the updates it sends to a webhook.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta};
use clock::Clock;
use futures_util::future::join_all;
use sandbox::carrier::{
    Book, BookAnswer, Cancel, CancelAnswer, Carrier, MAX_IN_FLIGHT, Pace, PickUp, PickUpAnswer, SandboxCarrier,
    Settings,
};
use serde_json::{Value, json};
use settings::{DurationRange, HttpUrl, Span};
use testkit::{Fixture, Node, eventually};
use tokio::sync::Semaphore;
use uuid::Uuid;

const ORDER: Uuid = Uuid::from_u128(9);
const KEY: &str = "book:9";

fn at_once() -> Settings {
    let zero = Span::from_millis(0);
    let latency = DurationRange { start: zero, end: zero };
    Settings { latency, error_rate: 0.0, pickup_after: zero, deliver_after: zero, webhook: HttpUrl::default() }
}

fn in_memory() -> Node<SandboxCarrier> {
    let (clock, _) = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap(), 2);
    let pace = Pace { pickup_after: TimeDelta::zero(), deliver_after: TimeDelta::zero() };
    Node::new("sandbox-carrier", SandboxCarrier { pace }, [], clock)
}

fn book(postal_code: &str, country: &str) -> Book {
    Book { key: KEY.into(), order_id: ORDER, postal_code: postal_code.into(), country: country.into() }
}

#[test]
fn the_carrier_refuses_unserved_addresses() {
    let answer = |postal_code: &str, country: &str| {
        let Ok(answer) = in_memory().command(book(postal_code, country));
        answer
    };
    assert!(matches!(answer("N1 1AA", "GB"), BookAnswer::Booked(booking)
        if booking.tracking_number.starts_with("SHIP-") && booking.carrier == "MockCarrier"));
    assert!(matches!(answer("REFUSED", "GB"), BookAnswer::Refused(_)));
    assert!(matches!(answer("N1 1AA", "AQ"), BookAnswer::Refused(_)));
}

#[test]
fn picking_up_and_cancelling_exclude_each_other() {
    for cancelled_first in [false, true] {
        let mut carrier = in_memory();
        let (cancel, pick_up) = (Cancel { key: KEY.into() }, PickUp { key: KEY.into() });
        let Ok(_) = carrier.command(book("N1 1AA", "GB"));
        if cancelled_first {
            assert_eq!(carrier.command(cancel), Ok(CancelAnswer::Cancelled));
            assert_eq!(carrier.command(pick_up), Ok(PickUpAnswer::Nothing));
        } else {
            assert!(matches!(carrier.command(pick_up), Ok(PickUpAnswer::PickedUp(_))));
            assert_eq!(carrier.command(cancel), Ok(CancelAnswer::TooLate));
        }
    }
}

#[tokio::test]
async fn a_change_of_behaviour_takes_effect() {
    let carrier = Carrier::new(&at_once());
    let running = Fixture::start(carrier.service()).await;
    let put = async |body: &Value| running.send("PUT", "/sandbox/carrier/behaviour", &[], Some(body)).await;
    let answer =
        put(&json!({ "latencyMs": { "min": 1, "max": 2 }, "errorRate": 0.5, "timeoutRate": 0.25, "down": true })).await;
    let all = json!({ "latencyMs": { "min": 1, "max": 2 }, "errorRate": 0.5, "timeoutRate": 0.25, "timeoutAfterEffectRate": 0.0, "down": true });
    assert_eq!((answer.status, answer.json()), (200, all));
    assert!(carrier.behaviour().down);

    let wrong = put(&json!({ "latencyMs": { "min": 3, "max": 2 }, "errorRate": 1.5 })).await;
    let errors =
        wrong.json()["errors"].as_array().unwrap().iter().map(|it| it["field"].to_string()).collect::<Vec<_>>();
    assert_eq!((wrong.status, errors.join(" ")), (422, r#""latencyMs.min" "errorRate" "errorRate""#.to_owned()));
    assert_eq!(put(&json!({ "speed": 1 })).await.status, 400);
    assert!(carrier.behaviour().down, "a refused request changes nothing");

    put(&json!({})).await;
    assert_eq!(carrier.behaviour(), carrier.configured());
    running.stop().await;
}

/// A webhook that holds requests back until it may answer, and refuses each update when it comes
/// for the first time.
#[derive(Clone)]
struct Webhook {
    gate: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    /// Statuses by order, as they came.
    updates: Arc<Mutex<HashMap<String, Vec<String>>>>,
}

impl Webhook {
    async fn start() -> (Self, String) {
        let (waiting, most, updates) = (Arc::default(), Arc::default(), Arc::default());
        let webhook = Self { gate: Arc::new(Semaphore::new(0)), waiting, most, updates };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/webhook", listener.local_addr().unwrap());
        let handler = webhook.clone();
        let handler = move |axum::Json(update): axum::Json<Value>| async move { handler.answer(&update).await };
        let routes = axum::Router::new().route("/webhook", axum::routing::post(handler));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (webhook, address)
    }

    async fn answer(&self, update: &Value) -> StatusCode {
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(waiting, Ordering::SeqCst);
        drop(self.gate.acquire().await.unwrap());
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let (order, status) = (update["orderId"].as_str().unwrap(), update["status"].as_str().unwrap());
        let mut updates = self.updates.lock().unwrap();
        let of_order = updates.entry(order.to_owned()).or_default();
        of_order.push(status.to_owned());
        let first = of_order.iter().filter(|it| *it == status).count() == 1;
        if first { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
    }
}

/// Updates of many parcels travel at the same time, but not too many; those of one parcel in their
/// order, and each until it is accepted.
#[tokio::test]
async fn updates_are_concurrent_but_ordered_per_parcel() {
    let (webhook, address) = Webhook::start().await;
    let carrier = Carrier::new(&at_once());
    let running = Fixture::start(carrier.service()).await;
    carrier.send_updates_to(&address);
    // At the same time, so that the first update does not wait for the gate until its request times
    // out and is sent again.
    let book = async |number| {
        let body = json!({ "orderId": Uuid::from_u128(number), "postalCode": "N1 1AA", "country": "GB" });
        let key = format!("book:{number}");
        let headers = [("idempotency-key", key.as_str())];
        assert_eq!(running.send("POST", "/sandbox/carrier/bookings", &headers, Some(&body)).await.status, 200);
    };
    join_all((0..150).map(book)).await;
    eventually("all are picked up", async || {
        let ledger = running.get("/sandbox/carrier/ledger?limit=200").await.json();
        let items = ledger["items"].as_array().unwrap();
        (items.iter().filter(|item| item["operation"] == "PICK_UP").count() == 150).then_some(())
    })
    .await;
    eventually("no more requests are sent", async || {
        (webhook.waiting.load(Ordering::SeqCst) == MAX_IN_FLIGHT).then_some(())
    })
    .await;
    webhook.gate.add_permits(1);
    let all = ["PICKED_UP", "PICKED_UP", "DELIVERED", "DELIVERED"];
    eventually("all updates are accepted", async || {
        let updates = webhook.updates.lock().unwrap();
        (updates.len() == 150 && updates.values().all(|of_order| of_order.len() == 4)).then_some(())
    })
    .await;
    assert!(webhook.updates.lock().unwrap().values().all(|of_order| *of_order == all), "{:?}", webhook.updates);
    assert_eq!(webhook.most.load(Ordering::SeqCst), MAX_IN_FLIGHT);
    running.stop().await;
}
