//! The API on a real service and a real sandbox carrier, each in a temporary directory of its own. They call each
//! other over HTTP.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

mod support;

use chrono::{DateTime, Utc};
use clock::Clock;
use fulfillment_service::{CarrierChoice, Settings, effects::HttpCarrier, service};
use saga::{Consequences, Delivery, InputSource};
use sandbox::carrier::{self, Behaviour, Carrier};
use serde_json::{Value, json};
use settings::{DurationRange, HttpUrl, Span};
use support::{CUSTOMER, confirmed};
use telemetry::Trace;
use testkit::{Fixture, eventually, fixture::Reply};
use uuid::Uuid;

/// The service and its carrier.
struct Town {
    shop: Fixture,
    carrier: Fixture,
    sandbox: Carrier,
}

fn pace(pickup_after: Span, deliver_after: Span) -> carrier::Settings {
    let at_once = DurationRange { start: Span::from_millis(0), end: Span::from_millis(0) };
    carrier::Settings { latency: at_once, error_rate: 0.0, pickup_after, deliver_after, webhook: HttpUrl::default() }
}

fn at_once() -> carrier::Settings {
    pace(Span::from_millis(0), Span::from_millis(0))
}

fn never() -> carrier::Settings {
    pace(Span::from_secs(86_400), Span::from_secs(86_400))
}

/// `timeout`: of calls to the carrier.
async fn start(settings: &carrier::Settings, timeout: Span) -> Town {
    let sandbox = Carrier::new(settings);
    let carrier = Fixture::start(sandbox.service()).await;
    let settings = Settings { carrier: CarrierChoice::Sandbox, timeout, ask_carrier_after: Span::from_secs(600) };
    let shop = Fixture::start(service(&settings, HttpCarrier::new(&carrier.serve().await))).await;
    sandbox.send_updates_to(&webhook(&shop).await);
    Town { shop, carrier, sandbox }
}

async fn webhook(shop: &Fixture) -> String {
    format!("{}/webhooks/carrier/sandbox", shop.serve().await)
}

const LONG_TIMEOUT: Span = Span::from_secs(10);

impl Town {
    /// Publishes the event as the order service would.
    async fn publish<E: events::Event>(&self, order: Uuid, event: &E) {
        let mut out = Consequences::new("order-service", Clock::system());
        let from = Delivery {
            id: Uuid::nil(),
            source: InputSource::Command,
            key: order,
            cause: None,
            at: DateTime::<Utc>::UNIX_EPOCH,
            sequence: 0,
            trace: Trace::default(),
            input: (),
        };
        out.of(&from).publish(&mut 0, event);
        let published = self.shop.host.bus.publish(out.into_parts().events).await;
        assert!(published.failure.is_none(), "{published:?}");
    }

    async fn confirm(&self, postal_code: &str) -> Uuid {
        let order = self.shop.app.new_id();
        let event: events::OrderConfirmed = serde_json::from_value(confirmed(postal_code)).unwrap();
        self.publish(order, &event).await;
        order
    }

    async fn shipment(&self, order: Uuid) -> Reply {
        self.shop.get(&format!("/api/fulfillment/orders/{order}")).await
    }

    /// Waits until the shipment has this status.
    async fn reaches(&self, order: Uuid, status: &str) -> Value {
        eventually(&format!("{order} to be {status}"), async || {
            Some(self.shipment(order).await.json()).filter(|shipment| shipment["status"] == status)
        })
        .await
    }

    /// Waits until the carrier's answer to the booking is known.
    async fn booked(&self, order: Uuid) -> Value {
        eventually("the booking", async || {
            Some(self.shipment(order).await.json()).filter(|shipment| shipment["trackingNumber"].is_string())
        })
        .await
    }

    async fn ledger(&self) -> Vec<(String, String)> {
        let ledger = self.carrier.get("/sandbox/carrier/ledger").await.json();
        let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
        let items = ledger["items"].as_array().unwrap();
        items.iter().map(|item| (text(item, "orderId"), text(item, "operation"))).collect()
    }

    async fn send_update(&self, carrier: &str, body: &Value) -> Reply {
        self.shop.send("POST", &format!("/webhooks/carrier/{carrier}"), &[], Some(body)).await
    }

    async fn stop(self) {
        self.shop.stop().await;
        self.carrier.stop().await;
    }
}

fn update(order: Uuid, tracking_number: &str, status: &str) -> Value {
    json!({ "orderId": order, "trackingNumber": tracking_number, "status": status, "at": "2026-01-26T09:28:00Z" })
}

#[tokio::test]
async fn a_confirmed_order_is_booked_picked_up_and_delivered() {
    let town = start(&at_once(), LONG_TIMEOUT).await;
    let order = town.confirm("N1 1AA").await;
    let shipment = town.reaches(order, "Delivered").await;
    assert_eq!((&shipment["orderId"], &shipment["carrier"]), (&json!(order), &json!("MockCarrier")));
    assert!(shipment["trackingNumber"].as_str().unwrap().starts_with("SHIP-"));
    assert!(shipment["estimatedDelivery"].is_string() && shipment["updatedAt"].is_string());
    let done = eventually("the carrier to note the delivery", async || {
        Some(town.ledger().await).filter(|ledger| ledger.len() == 3)
    });
    let of = |operation: &str| (order.to_string(), operation.to_owned());
    assert_eq!(done.await, ["BOOK", "PICK_UP", "DELIVER"].map(of));
    let item = town.carrier.get("/sandbox/carrier/ledger").await.json()["items"][0].clone();
    assert_eq!(item["idempotencyKey"], format!("book:{order}"));
    assert_eq!((&item["reference"], &item["amount"]), (&shipment["trackingNumber"], &Value::Null));
    town.stop().await;
}

#[tokio::test]
async fn many_orders_are_delivered_each_once() {
    let town = start(&at_once(), LONG_TIMEOUT).await;
    let mut orders = vec![];
    for _ in 0..200 {
        orders.push(town.confirm("N1 1AA").await);
    }
    for order in &orders {
        town.reaches(*order, "Delivered").await;
    }
    // Fixed pages: each booking is on one of them.
    let (mut seen, mut cursor) = (vec![], String::new());
    loop {
        let page = town.carrier.get(&format!("/sandbox/carrier/ledger?limit=90{cursor}")).await.json();
        let booked = page["items"].as_array().unwrap().iter().filter(|item| item["operation"] == "BOOK");
        seen.extend(booked.map(|item| item["orderId"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    seen.sort();
    orders.sort();
    assert_eq!(seen, orders.iter().map(Uuid::to_string).collect::<Vec<_>>());
    town.stop().await;
}

#[tokio::test]
async fn a_shipment_that_the_carrier_refuses_fails() {
    let town = start(&at_once(), LONG_TIMEOUT).await;
    let order = town.confirm("REFUSED").await;
    let shipment = town.reaches(order, "Failed").await;
    assert_eq!((&shipment["trackingNumber"], &shipment["carrier"]), (&Value::Null, &Value::Null));
    assert_eq!(town.ledger().await, []);
    town.stop().await;
}

#[tokio::test]
async fn a_booking_is_cancelled_with_the_carrier() {
    let town = start(&never(), LONG_TIMEOUT).await;
    let order = town.confirm("N1 1AA").await;
    town.booked(order).await;
    assert_eq!(town.shipment(order).await.json()["status"], "Pending");
    town.publish(order, &events::OrderCancellationRequested { note: None }).await;
    town.reaches(order, "Cancelled").await;
    assert_eq!(town.ledger().await, ["BOOK", "CANCEL"].map(|it| (order.to_string(), it.to_owned())));
    town.stop().await;
}

#[tokio::test]
async fn a_lost_answer_is_queried() {
    let town = start(&at_once(), Span::from_millis(100)).await;
    town.sandbox.behave(Behaviour { timeout_after_effect_rate: 1.0, ..Behaviour::calm() });
    let order = town.confirm("N1 1AA").await;
    eventually("the booking", async || town.ledger().await.into_iter().next()).await;
    town.sandbox.behave(Behaviour::calm());
    town.reaches(order, "Delivered").await;
    let bookings = town.ledger().await.into_iter().filter(|(_, operation)| operation == "BOOK").count();
    assert_eq!(bookings, 1);
    town.stop().await;
}

#[tokio::test]
async fn carrier_updates_by_webhook() {
    let town = start(&never(), LONG_TIMEOUT).await;
    let order = town.confirm("N1 1AA").await;
    let number = town.booked(order).await["trackingNumber"].as_str().unwrap().to_owned();
    for (status, shown) in [("PICKED_UP", "Shipped"), ("DELIVERED", "Delivered"), ("PICKED_UP", "Delivered")] {
        for _ in 0..2 {
            let reply = town.send_update("sandbox", &update(order, &number, status)).await;
            assert_eq!((reply.status, reply.body.len()), (204, 0));
            assert_eq!(town.shipment(order).await.json()["status"], shown);
        }
    }
    town.stop().await;
}

#[tokio::test]
async fn an_update_before_the_answer_to_the_booking_is_to_be_sent_again() {
    let town = start(&never(), LONG_TIMEOUT).await;
    town.sandbox.behave(Behaviour { down: true, ..Behaviour::calm() });
    let order = town.confirm("N1 1AA").await;
    eventually("the shipment", async || Some(town.shipment(order).await).filter(|reply| reply.status == 200)).await;
    let reply = town.send_update("sandbox", &update(order, "SHIP-1", "PICKED_UP")).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    assert_eq!(reply.json()["type"], "/problems/news-too-early");
    town.stop().await;
}

#[tokio::test]
async fn an_update_of_an_unknown_parcel_is_refused() {
    let town = start(&never(), LONG_TIMEOUT).await;
    let order = town.confirm("N1 1AA").await;
    let number = town.booked(order).await["trackingNumber"].as_str().unwrap().to_owned();
    for (carrier, body, status, kind) in [
        ("another", update(order, &number, "PICKED_UP"), 404, "/problems/not-found"),
        ("sandbox", update(CUSTOMER, &number, "PICKED_UP"), 404, "/problems/not-found"),
        ("sandbox", update(order, "SHIP-0", "PICKED_UP"), 404, "/problems/not-found"),
        ("sandbox", update(order, "", "PICKED_UP"), 422, "/problems/validation"),
        ("sandbox", update(order, &number, "EATEN"), 400, "/problems/malformed-request"),
        ("sandbox", json!({}), 400, "/problems/malformed-request"),
    ] {
        let reply = town.send_update(carrier, &body).await;
        assert_eq!((reply.status, &reply.json()["type"]), (status, &json!(kind)), "{carrier} {body}");
    }
    assert_eq!(town.shipment(order).await.json()["status"], "Pending");
    town.stop().await;
}

#[tokio::test]
async fn an_order_without_a_shipment_is_not_found() {
    let town = start(&never(), LONG_TIMEOUT).await;
    assert_eq!(town.shipment(CUSTOMER).await.status, 404);
    assert_eq!(town.shop.get("/api/fulfillment/orders/7").await.status, 400);
    town.stop().await;
}

#[tokio::test]
async fn a_carrier_that_is_down_does_not_make_the_service_unhealthy() {
    let town = start(&never(), LONG_TIMEOUT).await;
    assert_eq!(town.shop.get("/api/fulfillment/health").await.json()["dependencies"]["carrier"]["status"], "UP");
    town.sandbox.behave(Behaviour { down: true, ..Behaviour::calm() });
    for _ in 0..10 {
        town.confirm("N1 1AA").await;
    }
    let health = eventually("the breaker to open", async || {
        let health = town.shop.get("/api/fulfillment/health").await;
        Some(health).filter(|health| health.json()["dependencies"]["carrier"]["status"] == "DOWN")
    })
    .await;
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("UP")));
    town.stop().await;
}

/// A parcel that was booked before a restart of the carrier is picked up after the restart.
#[tokio::test]
async fn a_restarted_carrier_goes_on() {
    let town = start(&never(), LONG_TIMEOUT).await;
    let order = town.confirm("N1 1AA").await;
    town.booked(order).await;
    let Town { shop, carrier, .. } = town;
    let sandbox = Carrier::new(&at_once());
    let carrier = carrier.restart(sandbox.service()).await;
    sandbox.send_updates_to(&webhook(&shop).await);
    let town = Town { shop, carrier, sandbox };
    town.reaches(order, "Delivered").await;
    town.stop().await;
}
