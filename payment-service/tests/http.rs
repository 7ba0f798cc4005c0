//! The running service and the sandbox, each with database and log in a temporary folder; calls over HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::DateTime;
use clock::Clock;
use events::{InventoryReserved, Item, OrderCancelled, OrderCreated, OrderShipped, PaymentDetails};
use payment_service::{ProviderKind, Settings, effects::HttpProvider};
use saga::{Consequences, Delivery, InputSource};
use sandbox::payment_provider::{self, PaymentProvider};
use serde_json::{Value, json};
use telemetry::Trace;
use testkit::{Fixture, eventually, fixture::Reply};
use uuid::Uuid;

const ORDER: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0009);

fn cancelled() -> OrderCancelled {
    serde_json::from_str(include_str!("../../events/samples/OrderCancelled.v1.json")).unwrap()
}

struct Shop {
    payment: Fixture,
    provider: Fixture,
    /// Of the last event.
    sequence: AtomicI64,
}

fn settings(timeout: &str) -> Settings {
    Settings { provider: ProviderKind::Sandbox, timeout: timeout.parse().unwrap(), query_for: "20h".parse().unwrap() }
}

impl Shop {
    async fn open() -> Self {
        let provider = PaymentProvider::new(&payment_provider::Settings::default());
        let provider = Fixture::start(provider.service()).await;
        let adapter = Arc::new(HttpProvider::new(&provider.serve().await));
        let payment = Fixture::start(payment_service::service(&settings("1s"), adapter)).await;
        Self { payment, provider, sequence: AtomicI64::new(0) }
    }

    async fn close(self) {
        self.payment.stop().await;
        self.provider.stop().await;
    }

    /// Publishes an event of another service about the order.
    async fn publish<E: events::Event>(&self, event: &E) {
        let (clock, _) = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap(), rand::random());
        let mut out = Consequences::new("test", clock.clone());
        let (id, at, trace) = (clock.new_id(), clock.now(), Trace::default());
        out.of(&Delivery {
            id,
            source: InputSource::Event,
            key: ORDER,
            cause: None,
            at,
            sequence: 0,
            trace,
            input: (),
        });
        out.publish(&mut self.sequence.fetch_add(1, Ordering::Relaxed), event);
        let published = self.payment.host.bus.publish(out.into_parts().events).await;
        assert!(published.failure.is_none(), "{:?}", published.failure);
    }

    async fn is_ordered(&self, token: &str) {
        let item =
            Item { product_id: ORDER, product_name: "Teapot".into(), quantity: 2, price: "29.95".parse().unwrap() };
        let payment = PaymentDetails { method: "card".into(), token: token.into() };
        let mut order: OrderCreated =
            serde_json::from_str(include_str!("../../events/samples/OrderCreated.v1.json")).unwrap();
        (order.total_amount, order.items, order.payment) = ("59.90".parse().unwrap(), vec![item], payment);
        self.publish(&order).await;
        self.publish(&InventoryReserved { reservations: vec![], expires_at: DateTime::default().into() }).await;
    }

    /// Waits until every published event is consumed.
    async fn consumed_all(&self) {
        let topics = [events::topic::ORDERS_IN, events::topic::INVENTORY_UPDATES].map(Into::into);
        let no_lag = async || {
            let lag = self.payment.host.bus.lag("payment", &topics).await.unwrap();
            lag.iter().all(|it| it.records == 0).then_some(())
        };
        eventually("all events are consumed", no_lag).await;
    }

    async fn payment(&self) -> Value {
        self.payment.get(&format!("/api/v1/payments/{ORDER}")).await.json()
    }

    async fn becomes(&self, status: &str) -> Value {
        let here = async || Some(self.payment().await).filter(|it| it["status"] == status);
        eventually(&format!("the payment to be {status}"), here).await
    }

    async fn refund(&self, key: &str, body: &Value) -> Reply {
        let path = format!("/api/v1/payments/{ORDER}/refunds");
        self.payment.send("POST", &path, &[("idempotency-key", key)], Some(body)).await
    }

    /// Operation, key and amount of everything the provider has moved.
    async fn moved(&self) -> Vec<(String, String)> {
        let ledger = self.provider.get("/sandbox/payment-provider/ledger").await.json();
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        ledger["items"].as_array().unwrap().iter().map(|it| (text(&it["operation"]), text(&it["amount"]))).collect()
    }
}

fn pair(operation: &str, amount: &str) -> (String, String) {
    (operation.to_owned(), amount.to_owned())
}

/// A cancellation that arrives before its order leaves a tombstone, which the order finds.
#[tokio::test]
async fn an_order_cancelled_before_it_arrives_is_never_charged() {
    let shop = Shop::open().await;
    shop.publish(&cancelled()).await;
    shop.becomes("VOIDED").await;
    shop.is_ordered("tok_ok").await;
    shop.consumed_all().await;
    assert_eq!(shop.payment().await["status"], "VOIDED");
    assert_eq!(shop.moved().await, []);
    shop.close().await;
}

#[tokio::test]
async fn charged_shipped_and_refunded_in_parts() {
    let shop = Shop::open().await;
    shop.is_ordered("tok_ok").await;
    let charged = shop.becomes("CHARGED").await;
    assert_eq!(charged["orderId"], ORDER.to_string());
    assert_eq!((&charged["amount"], &charged["refunded"]), (&json!("59.90"), &json!("0.00")));
    assert_eq!(
        (&charged["method"], &charged["currency"], &charged["reason"]),
        (&json!("card"), &json!("EUR"), &json!(null))
    );
    assert_eq!(
        (&charged["attempts"][0]["operation"], &charged["attempts"][0]["result"]),
        (&json!("CHARGE"), &json!("OK"))
    );
    assert_eq!(charged["ledger"][0]["account"], "PROVIDER");
    assert_eq!((&charged["ledger"][0]["debit"], &charged["ledger"][1]["credit"]), (&json!("59.90"), &json!("59.90")));

    let too_early = shop.refund("a", &json!({ "amount": "59.90", "reason": "all" })).await;
    assert_eq!((too_early.status, too_early.json()["type"].as_str()), (409, Some("/problems/cancel-instead")));
    let too_much = shop.refund("a", &json!({ "amount": "59.91", "reason": "more" })).await;
    assert_eq!((too_much.status, too_much.json()["type"].as_str()), (409, Some("/problems/refund-exceeds-charge")));
    assert_eq!(too_much.json()["left"], "59.90");

    let part = json!({ "amount": "9.90", "reason": "a chipped lid" });
    let first = shop.refund("a", &part).await;
    assert_eq!((first.status, first.json()["amount"].as_str()), (202, Some("9.90")));
    let again = shop.refund("a", &part).await;
    assert_eq!((again.status, again.header("idempotency-replayed"), &again.body), (202, Some("true"), &first.body));
    let other = shop.refund("a", &json!({ "amount": "1.00", "reason": "other" })).await;
    assert_eq!((other.status, other.json()["type"].as_str()), (422, Some("/problems/idempotency-key-reused")));
    let paid = async || Some(shop.payment().await).filter(|it| it["refunded"] == "9.90");
    assert_eq!(eventually("the first part", paid).await["status"], "CHARGED");

    let mut shipped: OrderShipped =
        serde_json::from_str(include_str!("../../events/samples/OrderShipped.v1.json")).unwrap();
    shipped.carrier = "MockCarrier".into();
    shop.publish(&shipped).await;
    let rest = json!({ "amount": "50.00", "reason": "sent back" });
    // Refused until `OrderShipped` is consumed.
    let accepted = async || Some(shop.refund("b", &rest).await).filter(|it| it.status == 202);
    eventually("the rest to be accepted", accepted).await;
    assert_eq!(shop.becomes("REFUNDED").await["refunded"], "59.90");
    let mut moved = shop.moved().await;
    moved[1..].sort();
    assert_eq!(moved, [pair("CHARGE", "59.90"), pair("REFUND", "50.00"), pair("REFUND", "9.90")]);
    shop.close().await;
}

#[tokio::test]
async fn a_timeout_is_not_a_decline() {
    let shop = Shop::open().await;
    shop.is_ordered("tok_timeout_charged").await;
    let charged = shop.becomes("CHARGED").await;
    let attempts: Vec<_> = charged["attempts"].as_array().unwrap().iter().map(|it| it["result"].clone()).collect();
    assert_eq!(attempts, [json!("UNKNOWN"), json!("OK")]);
    assert_eq!(shop.moved().await, [pair("CHARGE", "59.90")]);
    shop.close().await;
}

#[tokio::test]
async fn a_charge_is_retried_while_the_provider_is_down() {
    let shop = Shop::open().await;
    let behaviour = "/sandbox/payment-provider/behaviour";
    let down = shop.provider.send("PUT", behaviour, &[], Some(&json!({ "down": true }))).await;
    assert_eq!((down.status, down.json()["down"].as_bool()), (200, Some(true)));
    shop.is_ordered("tok_ok").await;
    shop.becomes("CHARGING").await;
    assert_eq!(shop.moved().await, []);
    let up = shop.provider.send("PUT", behaviour, &[], Some(&json!({}))).await;
    assert_eq!(up.json()["down"].as_bool(), Some(false));
    shop.becomes("CHARGED").await;
    shop.close().await;
}

#[tokio::test]
async fn a_cancelled_order_is_refunded() {
    let shop = Shop::open().await;
    shop.is_ordered("tok_ok").await;
    shop.becomes("CHARGED").await;
    shop.publish(&cancelled()).await;
    assert_eq!(shop.becomes("REFUNDED").await["refunded"], "59.90");
    assert_eq!(shop.moved().await, [pair("CHARGE", "59.90"), pair("REFUND", "59.90")]);
    shop.close().await;
}

#[tokio::test]
async fn invalid_requests_are_refused() {
    let shop = Shop::open().await;
    assert_eq!(shop.payment.get(&format!("/api/v1/payments/{ORDER}")).await.status, 404);
    assert_eq!(shop.payment.get("/api/v1/payments/7").await.status, 400);
    assert_eq!(shop.refund("a", &json!({ "amount": "1.00", "reason": "x" })).await.status, 404);
    let wrong = shop.refund("a", &json!({ "amount": "0.00", "reason": "" })).await.json();
    let fields: Vec<_> = wrong["errors"].as_array().unwrap().iter().map(|it| it["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["amount", "reason"]);
    let body = json!({ "amount": 1.5, "reason": "a number" });
    assert_eq!(shop.refund("a", &body).await.json()["type"], "/problems/malformed-request");
    let path = format!("/api/v1/payments/{ORDER}/refunds");
    let keyless = shop.payment.send("POST", &path, &[], Some(&json!({ "amount": "1.00", "reason": "x" }))).await;
    assert_eq!(keyless.json()["type"], "/problems/idempotency-key-missing");
    shop.close().await;
}

#[tokio::test]
async fn the_providers_ledger_has_pages() {
    let shop = Shop::open().await;
    shop.is_ordered("tok_ok").await;
    shop.becomes("CHARGED").await;
    shop.refund("a", &json!({ "amount": "1.00", "reason": "sorry" })).await;
    let two = async || Some(shop.moved().await).filter(|it| it.len() == 2);
    eventually("the refund", two).await;
    let page = shop.provider.get("/sandbox/payment-provider/ledger?limit=1").await.json();
    let charge = &page["items"][0];
    assert_eq!(
        (&charge["operation"], &charge["idempotencyKey"]),
        (&json!("CHARGE"), &json!(format!("charge:{ORDER}")))
    );
    assert_eq!((&charge["orderId"], &charge["currency"]), (&json!(ORDER.to_string()), &json!("EUR")));
    let next = page["next"].as_str().unwrap();
    let rest = shop.provider.get(&format!("/sandbox/payment-provider/ledger?limit=1&cursor={next}")).await.json();
    assert_eq!((&rest["items"][0]["operation"], &rest["next"]), (&json!("REFUND"), &Value::Null));
    shop.close().await;
}

#[test]
fn the_defaults_are_settings() {
    let config = settings::Loader::new().defaults(payment_service::SETTINGS).load().unwrap();
    let payment: Settings = config.section("payment").unwrap();
    assert_eq!((payment.timeout.to_string(), payment.query_for.to_string()), ("5s".to_owned(), "20h".to_owned()));
    assert!(
        settings::Loader::new().defaults(payment_service::SETTINGS).set(["payment.provider=stripe"]).load().is_err()
    );
}
