//! The API of a running service: database and log in a temporary folder.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::atomic::{AtomicI64, Ordering};

use events::{Availability, Event, OrderDelivered, OrderShipped, PaymentProcessed, ProductChanged, Timestamp};
use order_service::{Settings, service};
use saga::Consequences;
use serde_json::{Value, json};
use testkit::{Fixture, eventually, fixture::Reply};
use uuid::Uuid;

const TEAPOT: Uuid = Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_0001);
const CUSTOMER: &str = "01890000-0000-7000-8000-000000000005";

fn settings() -> Settings {
    Settings { deadline: "30m".parse().unwrap() }
}

/// A service with a teapot in its catalogue.
async fn start() -> Fixture {
    let it = Fixture::start(service(&settings())).await;
    let price = "29.95".parse().unwrap();
    let (sku, name, currency, availability) = ("TEA".into(), "Teapot".into(), events::Currency::EUR, Availability::In);
    publish(&it, TEAPOT, &ProductChanged { product_id: TEAPOT, sku, name, price, currency, availability, version: 1 })
        .await;
    eventually("the catalogue", || async {
        let known = order_service::queries::products(it.app.db(), vec![TEAPOT]).await.unwrap();
        (!known.is_empty()).then_some(())
    })
    .await;
    it
}

/// Publishes an event of another service.
async fn publish(it: &Fixture, key: Uuid, event: &impl Event) {
    static SEQUENCE: AtomicI64 = AtomicI64::new(0);
    let mut out = Consequences::new("test", it.host.clock.clone());
    out.publish_for(key, &mut SEQUENCE.fetch_add(1, Ordering::Relaxed), event);
    assert!(it.host.bus.publish(out.into_parts().events).await.failure.is_none());
}

fn body() -> Value {
    json!({ "customerId": CUSTOMER, "currency": "EUR",
        "customer": { "name": "Ada Lovelace", "email": "ada@example.org" },
        "shippingAddress": { "line1": "1 Main St", "city": "London", "postalCode": "N1 1AA", "country": "GB" },
        "items": [ { "productId": TEAPOT, "quantity": 2, "price": "29.95" } ],
        "payment": { "method": "card", "token": "tok_ok" } })
}
async fn place(it: &Fixture, key: &str, body: &Value) -> Reply {
    it.send("POST", "/api/v1/orders", &[("idempotency-key", key)], Some(body)).await
}
async fn placed(it: &Fixture, key: &str) -> Uuid {
    let answer = place(it, key, &body()).await;
    assert_eq!(answer.status, 202, "{}", answer.json());
    answer.json()["orderId"].as_str().unwrap().parse().unwrap()
}
async fn paid(it: &Fixture, order: Uuid) {
    let amount = "59.90".parse().unwrap();
    let (payment_id, currency, payment_method) = (Uuid::from_u128(21), events::Currency::EUR, "card".into());
    publish(it, order, &PaymentProcessed { payment_id, amount, currency, payment_method }).await;
}
async fn shipped(it: &Fixture, order: Uuid) {
    let estimated_delivery: Timestamp = "2027-01-24T10:00:00Z".parse().unwrap();
    let (shipment_id, carrier, tracking_number) = (Uuid::from_u128(31), "MockCarrier".into(), "SHIP-1".into());
    publish(it, order, &OrderShipped { shipment_id, carrier, tracking_number, estimated_delivery }).await;
}
async fn delivered(it: &Fixture, order: Uuid) {
    let delivered_at = "2027-01-23T10:00:00Z".parse().unwrap();
    publish(it, order, &OrderDelivered { shipment_id: Uuid::from_u128(31), delivered_at }).await;
}
/// Polls the cached status until it has this value.
async fn until(it: &Fixture, order: Uuid, status: &str) -> Value {
    let path = format!("/api/v1/orders/{order}/status");
    eventually(status, || async {
        let answer = it.get(&path).await.json();
        (answer["status"] == status).then_some(answer)
    })
    .await
}
fn kind(answer: &Reply) -> (u16, String) {
    (answer.status, answer.json()["type"].as_str().unwrap_or_default().to_owned())
}
fn codes(answer: &Reply) -> Vec<(String, String)> {
    let json = answer.json();
    let text = |error: &Value, key: &str| error[key].as_str().unwrap().to_owned();
    json["errors"].as_array().unwrap().iter().map(|it| (text(it, "field"), text(it, "code"))).collect()
}

#[tokio::test]
async fn an_order_is_placed_once_per_key() {
    let it = start().await;
    let first = place(&it, "a", &body()).await;
    let answer = first.json();
    let id = answer["orderId"].as_str().unwrap();
    assert_eq!((first.status, first.header("location")), (202, Some(&*format!("/api/v1/orders/{id}"))));
    assert!(first.header("traceparent").is_some());
    let mut expected = json!({ "orderId": id, "status": "PENDING", "statusText": "Order Placed", "version": 1,
        "currency": "EUR", "totalAmount": "59.90", "createdAt": answer["createdAt"] });
    let links = ["self", "status", "history", "events", "cancellation"].map(|name| {
        let below = if name == "self" { String::new() } else { format!("/{name}") };
        (name.to_owned(), json!(format!("/api/v1/orders/{id}{below}")))
    });
    expected["links"] = Value::Object(links.into_iter().collect());
    assert_eq!(answer, expected);

    let again = place(&it, "a", &body()).await;
    assert_eq!((again.status, again.header("idempotency-replayed"), &again.body), (202, Some("true"), &first.body));
    assert_eq!(again.header("location"), first.header("location"));
    let mut other = body();
    other["items"][0]["quantity"] = json!(3);
    assert_eq!(kind(&place(&it, "a", &other).await), (422, "/problems/idempotency-key-reused".into()));
    let without = it.send("POST", "/api/v1/orders", &[], Some(&body())).await;
    assert_eq!(kind(&without), (400, "/problems/idempotency-key-missing".into()));
    assert_ne!(place(&it, "b", &body()).await.json()["orderId"], answer["orderId"]);
    it.stop().await;
}

#[tokio::test]
async fn all_violations_are_reported_together() {
    let it = start().await;
    let wrong = json!({ "currency": "JPY",
        "customer": { "name": " ", "email": "ada", "phone": "0123", "language": "English" },
        "shippingAddress": { "line1": "", "city": "London", "postalCode": "N1 1AA", "country": "gb" },
        "items": [ { "productId": TEAPOT, "quantity": 0, "price": "0.00" },
                   { "productId": CUSTOMER, "quantity": 10_001, "price": "1000000.01" } ],
        "payment": { "method": "card", "token": "" } });
    let answer = place(&it, "a", &wrong).await;
    assert_eq!(kind(&answer), (422, "/problems/validation".into()));
    let expected = [
        ("customerId", "missing"),
        ("currency", "unsupported_currency"),
        ("customer.name", "wrong_length"),
        ("customer.email", "invalid_email"),
        ("shippingAddress.line1", "wrong_length"),
        ("shippingAddress.country", "invalid_country"),
        ("payment.token", "wrong_length"),
        ("customer.phone", "invalid_phone"),
        ("customer.language", "invalid_language"),
        ("items[0].quantity", "out_of_range"),
        ("items[0].price", "out_of_range"),
        ("items[1].quantity", "out_of_range"),
        ("items[1].price", "out_of_range"),
        ("items[0].price", "price_changed"),
        ("items[1].productId", "unknown_product"),
    ];
    assert_eq!(codes(&answer), expected.map(|(field, code)| (field.to_owned(), code.to_owned())));

    let mut dear = body();
    dear["items"][0]["price"] = json!("19.95");
    let answer = place(&it, "a", &dear).await;
    assert_eq!(codes(&answer), [("items[0].price".to_owned(), "price_changed".to_owned())]);
    assert!(answer.json()["errors"][0]["message"].as_str().unwrap().contains("29.95"));
    let mut none = body();
    none["items"] = json!([]);
    assert_eq!(codes(&place(&it, "a", &none).await), [("items".to_owned(), "out_of_range".to_owned())]);
    let mut unread = body();
    unread["items"][0]["colour"] = json!("red");
    let answer = place(&it, "a", &unread).await;
    assert_eq!((kind(&answer).0, codes(&answer)[0].0.as_str()), (400, "items[0].colour"));
    assert_eq!(place(&it, "a", &body()).await.status, 202, "a refusal does not use up the key");
    it.stop().await;
}

#[tokio::test]
async fn an_order_and_its_history_show_every_step() {
    let it = start().await;
    let id = placed(&it, "a").await;
    let path = format!("/api/v1/orders/{id}");
    let new = it.get(&path).await.json();
    assert_eq!((&new["payment"], &new["shipment"], &new["reason"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(
        new["items"],
        json!([{ "productId": TEAPOT, "productName": "Teapot", "quantity": 2, "price": "29.95", "lineTotal": "59.90" }])
    );
    assert_eq!(
        new["customer"],
        json!({ "name": "Ada Lovelace", "email": "ada@example.org", "phone": null, "language": "en" })
    );

    paid(&it, id).await;
    until(&it, id, "CONFIRMED").await;
    shipped(&it, id).await;
    let status = until(&it, id, "SHIPPED").await;
    assert_eq!((&status["statusText"], &status["version"]), (&json!("In Transit"), &json!(3)));
    let order = it.get(&path).await.json();
    assert_eq!(
        order["payment"],
        json!({ "status": "CHARGED", "paymentId": Uuid::from_u128(21), "method": "card", "amount": "59.90", "refunded": "0.00" })
    );
    assert_eq!(
        order["shipment"],
        json!({ "status": "SHIPPED", "shipmentId": Uuid::from_u128(31), "carrier": "MockCarrier",
        "trackingNumber": "SHIP-1", "estimatedDelivery": "2027-01-24T10:00:00.000Z" })
    );
    assert_eq!(order["updatedAt"], status["updatedAt"]);

    let history = it.get(&format!("{path}/history")).await.json();
    let line = |at: usize| (history["items"][at]["status"].clone(), history["items"][at]["cause"]["type"].clone());
    assert_eq!(line(0), (json!("PENDING"), json!("PlaceOrder")));
    assert_eq!(line(2), (json!("SHIPPED"), json!("OrderShipped")));
    assert!(history["items"][1]["cause"]["eventId"].is_string() && history["items"][0]["cause"]["eventId"].is_null());
    assert_eq!((history["items"].as_array().unwrap().len(), &history["next"]), (3, &Value::Null));

    for wrong in ["", "/status", "/history", "/events", "/cancellation"] {
        let path = format!("/api/v1/orders/{}{wrong}", Uuid::from_u128(77));
        assert_eq!(kind(&it.get(&path).await), (404, "/problems/not-found".into()), "{path}");
        assert_eq!(it.get(&format!("/api/orders/seven{wrong}")).await.status, 400);
    }
    it.stop().await;
}

#[tokio::test]
async fn an_unchanged_status_is_answered_304() {
    let it = start().await;
    let id = placed(&it, "a").await;
    let path = format!("/api/orders/{id}/status");
    assert_eq!(it.get(&path).await.header("etag"), Some("\"1\""));
    let same = it.send("GET", &path, &[("if-none-match", "\"1\"")], None).await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    let cancelled = it.send("POST", &format!("/api/orders/{id}/cancel"), &[], Some(&json!({}))).await;
    assert_eq!((cancelled.status, cancelled.json()["status"].as_str()), (202, Some("CANCELLED")));
    // At once, before the event has been consumed.
    let changed = it.send("GET", &path, &[("if-none-match", "\"1\"")], None).await;
    assert_eq!((changed.status, changed.json()), (200, cancelled.json()));
    it.stop().await;
}

#[tokio::test]
async fn a_cancellation_has_a_preview_and_is_refused_after_shipping() {
    let it = start().await;
    let id = placed(&it, "a").await;
    paid(&it, id).await;
    until(&it, id, "CONFIRMED").await;
    let preview = it.get(&format!("/api/v1/orders/{id}/cancellation")).await.json();
    assert_eq!(
        preview,
        json!({ "possible": true, "outcome": "CANCELLING", "steps": ["RELEASE_STOCK", "REFUND", "CANCEL_SHIPMENT"],
        "refund": { "amount": "59.90", "currency": "EUR" }, "why": null })
    );
    let path = format!("/api/v1/orders/{id}/cancel");
    let reason = json!({ "reason": "changed my mind" });
    let first = it.send("POST", &path, &[], Some(&reason)).await;
    assert_eq!((first.status, first.json()["status"].as_str()), (202, Some("CANCELLING")));
    assert_eq!(it.send("POST", &path, &[], Some(&reason)).await.body, first.body);
    shipped(&it, id).await;
    until(&it, id, "SHIPPED").await;
    let late = it.send("POST", &path, &[], Some(&reason)).await;
    assert_eq!(kind(&late), (409, "/problems/not-cancellable".into()));
    let preview = it.get(&format!("/api/v1/orders/{id}/cancellation")).await.json();
    assert_eq!((&preview["possible"], &preview["why"]), (&json!(false), &json!("ALREADY_SHIPPED")));
    let unknown = format!("/api/v1/orders/{}/cancel", Uuid::from_u128(77));
    assert_eq!(it.send("POST", &unknown, &[], Some(&reason)).await.status, 404);
    assert_eq!(it.send("POST", &path, &[], Some(&json!({ "reason": "x".repeat(501) }))).await.status, 422);
    it.stop().await;
}

#[tokio::test]
async fn a_list_is_newest_first_and_filtered() {
    let it = start().await;
    let mut ids = vec![];
    for key in ["a", "b", "c"] {
        ids.insert(0, placed(&it, key).await.to_string());
    }
    let shown = |answer: Value| -> Vec<String> {
        answer["items"].as_array().unwrap().iter().map(|it| it["orderId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(shown(it.get("/api/v1/orders").await.json()), ids);
    let page = it.get("/api/v1/orders?limit=2").await.json();
    assert_eq!(shown(page.clone()), ids[..2]);
    let next = page["next"].as_str().unwrap();
    let rest = it.get(&format!("/api/v1/orders?limit=2&cursor={next}")).await.json();
    assert_eq!((shown(rest.clone()), &rest["next"]), (ids[2..].to_vec(), &Value::Null));
    let cancel = format!("/api/v1/orders/{}/cancel", ids[1]);
    it.send("POST", &cancel, &[], Some(&json!({}))).await;
    assert_eq!(shown(it.get("/api/v1/orders?status=CANCELLED").await.json()), ids[1..2]);
    assert_eq!(shown(it.get(&format!("/api/v1/orders?customerId={CUSTOMER}")).await.json()), ids);
    let nobody = format!("/api/v1/orders?customerId={}", Uuid::from_u128(77));
    assert!(shown(it.get(&nobody).await.json()).is_empty());
    let middle = it.get(&format!("/api/v1/orders/{}", ids[1])).await.json()["createdAt"].as_str().unwrap().to_owned();
    assert!(shown(it.get(&format!("/api/v1/orders?from={middle}")).await.json()).contains(&ids[0]));
    assert!(!shown(it.get(&format!("/api/v1/orders?to={middle}")).await.json()).contains(&ids[0]));
    assert!(shown(it.get("/api/v1/orders?from=2001-01-01T00:00:00Z&to=2002-01-01T00:00:00Z").await.json()).is_empty());
    assert_eq!(it.get("/api/v1/orders?status=LOST").await.status, 400);
    assert_eq!(it.get("/api/v1/orders?limit=201").await.status, 422);
    it.stop().await;
}

/// The ids and statuses of an ended stream.
fn statuses(answer: &Reply) -> Vec<(String, String)> {
    let text = std::str::from_utf8(&answer.body).unwrap();
    let blocks = text.split("\n\n").filter(|block| block.contains("event: status"));
    let field = |block: &str, name: &str| block.lines().find_map(|it| it.strip_prefix(name)).unwrap().trim().to_owned();
    let status = |block: &str| {
        serde_json::from_str::<Value>(&field(block, "data:")).unwrap()["status"].as_str().unwrap().to_owned()
    };
    blocks.map(|block| (field(block, "id:"), status(block))).collect()
}
fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, status)| ((*id).to_owned(), (*status).to_owned())).collect()
}

#[tokio::test]
async fn the_event_stream_sends_every_status_until_the_end() {
    let it = start().await;
    let id = placed(&it, "a").await;
    let path = format!("/api/v1/orders/{id}/events");
    let watching = it.get(&path);
    let events = async {
        paid(&it, id).await;
        until(&it, id, "CONFIRMED").await;
        shipped(&it, id).await;
        until(&it, id, "SHIPPED").await;
        delivered(&it, id).await;
    };
    let (watched, ()) = tokio::join!(watching, events);
    let all = pairs(&[("1", "PENDING"), ("2", "CONFIRMED"), ("3", "SHIPPED"), ("4", "DELIVERED")]);
    let received = statuses(&watched);
    assert!(!received.is_empty() && all.ends_with(&received), "{received:?}");
    assert_eq!(watched.header("content-type"), Some("text/event-stream"));

    let ended = it.get(&path).await;
    assert_eq!(statuses(&ended), pairs(&[("4", "DELIVERED")]));
    let resumed = it.send("GET", &path, &[("last-event-id", "1")], None).await;
    assert_eq!(statuses(&resumed), all[1..]);
    let through = it.send("GET", &path, &[("last-event-id", "4")], None).await;
    assert_eq!((through.status, through.body.len()), (204, 0));
    it.stop().await;
}

#[tokio::test]
async fn orders_survive_a_restart() {
    let it = start().await;
    let first = place(&it, "a", &body()).await;
    let id = first.json()["orderId"].as_str().unwrap().to_owned();
    let it = it.restart(service(&settings())).await;
    assert_eq!(it.get(&format!("/api/v1/orders/{id}/status")).await.json()["status"], "PENDING");
    assert_eq!(place(&it, "a", &body()).await.body, first.body);
    it.stop().await;
}
