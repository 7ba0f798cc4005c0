//! The API on a real service: database and log in a temporary folder.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use inventory_service::{Settings, service};
use serde_json::{Value, json};
use testkit::Fixture;

const TEAPOT: &str = "01890000-0000-7000-8000-000000000001";
const CUP: &str = "01890000-0000-7000-8000-000000000002";

async fn start() -> Fixture {
    Fixture::start(service(&settings())).await
}
fn settings() -> Settings {
    Settings { reservation_ttl: "15m".parse().unwrap(), low_stock: 10 }
}
fn teapot() -> Value {
    json!({ "sku": "TEA-1", "name": "Teapot", "price": "29.95", "currency": "EUR" })
}
async fn put(it: &Fixture, id: &str, body: &Value) -> testkit::fixture::Reply {
    it.send("PUT", &format!("/api/v1/products/{id}"), &[], Some(body)).await
}
async fn stock(it: &Fixture, key: &str, quantity: i64) -> testkit::fixture::Reply {
    let body = json!({ "quantity": quantity, "reason": "CORRECTION", "note": "counted" });
    it.send("POST", &format!("/api/v1/products/{TEAPOT}/stock"), &[("idempotency-key", key)], Some(&body)).await
}

#[tokio::test]
async fn a_product_is_created_changed_and_found() {
    let it = start().await;
    let created = put(&it, TEAPOT, &teapot()).await;
    assert_eq!((created.status, created.header("etag")), (201, Some("\"1\"")));
    let mut dearer = teapot();
    dearer["price"] = json!("31.00");
    let stale = it.send("PUT", &format!("/api/v1/products/{TEAPOT}"), &[("if-match", "\"7\"")], Some(&dearer)).await;
    assert_eq!((stale.status, stale.json()["type"].as_str()), (412, Some("/problems/precondition-failed")));
    let changed = it.send("PUT", &format!("/api/v1/products/{TEAPOT}"), &[("if-match", "\"1\"")], Some(&dearer)).await;
    assert_eq!((changed.status, changed.json()["version"].as_i64()), (200, Some(2)));

    let found = it.get(&format!("/api/v1/products/{TEAPOT}")).await.json();
    assert_eq!((found["price"].as_str(), found["available"].as_i64()), (Some("31.00"), Some(0)));
    put(&it, CUP, &json!({ "sku": "CUP-1", "name": "Cup", "price": "5.00", "currency": "EUR" })).await;
    let page = it.get("/api/v1/products?limit=1").await.json();
    let next = page["next"].as_str().expect("there is more");
    let rest = it.get(&format!("/api/v1/products?limit=1&cursor={next}")).await.json();
    assert_eq!((rest["items"][0]["name"].as_str(), &rest["next"]), (Some("Cup"), &Value::Null));
    assert_eq!(it.get("/api/v1/products?search=eapo").await.json()["items"].as_array().unwrap().len(), 1);
    it.stop().await;
}

#[tokio::test]
async fn an_invalid_product_is_refused_with_all_violations() {
    let it = start().await;
    let wrong = put(&it, TEAPOT, &json!({ "sku": "", "name": "", "price": "0.00", "currency": "JPY" })).await;
    let errors = wrong.json()["errors"].clone();
    let errors: Vec<_> = errors.as_array().unwrap().iter().map(|it| it["field"].as_str().unwrap().to_owned()).collect();
    assert_eq!((wrong.status, errors), (422, ["sku", "name", "price", "currency"].map(String::from).to_vec()));
    put(&it, TEAPOT, &teapot()).await;
    let dollars = json!({ "sku": "TEA-1", "name": "Teapot", "price": "29.95", "currency": "USD" });
    assert_eq!(put(&it, TEAPOT, &dollars).await.json()["type"], "/problems/currency-fixed");
    assert_eq!(put(&it, CUP, &teapot()).await.json()["type"], "/problems/sku-taken");
    assert_eq!(it.get(&format!("/api/v1/products/{CUP}")).await.status, 404);
    assert_eq!(it.get("/api/v1/products/7").await.status, 400);
    assert_eq!(it.get("/api/v1/products?colour=red").await.status, 400);
    let unread = json!({ "sku": "A", "name": "A", "price": "1.00", "currency": "EUR", "colour": "red" });
    assert_eq!(put(&it, CUP, &unread).await.json()["type"], "/problems/malformed-request");
    it.stop().await;
}

#[tokio::test]
async fn stock_is_adjusted_once_per_key_and_recorded() {
    let it = start().await;
    put(&it, TEAPOT, &teapot()).await;
    let first = stock(&it, "a", 50).await;
    assert_eq!((first.status, first.json()["available"].as_i64()), (200, Some(50)));
    let again = stock(&it, "a", 50).await;
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &first.body));
    let other = stock(&it, "a", 51).await;
    assert_eq!((other.status, other.json()["type"].as_str()), (422, Some("/problems/idempotency-key-reused")));
    let less = stock(&it, "b", -51).await;
    assert_eq!((less.status, less.json()["type"].as_str()), (409, Some("/problems/insufficient-stock")));
    assert_eq!(stock(&it, "c", 0).await.status, 422);
    let missing = it.send("POST", &format!("/api/v1/products/{TEAPOT}/stock"), &[], Some(&json!({}))).await;
    assert_eq!(missing.json()["type"], "/problems/idempotency-key-missing");

    // The next process replays the first answer.
    let it = it.restart(service(&settings())).await;
    let again = stock(&it, "a", 50).await;
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &first.body));
    let book = it.get(&format!("/api/v1/products/{TEAPOT}/movements")).await.json();
    let lines: Vec<_> = book["items"].as_array().unwrap().iter().map(|it| it["quantity"].as_i64().unwrap()).collect();
    assert_eq!(lines, [50]);
    let reservations = it.get(&format!("/api/v1/reservations?orderId={TEAPOT}")).await;
    assert_eq!((reservations.status, reservations.json()["items"].as_array().unwrap().len()), (200, 0));
    assert_eq!(it.get("/api/v1/reservations").await.status, 400);
    it.stop().await;
}
