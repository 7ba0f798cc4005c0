//! Refusals: every refused request gets a problem document that names field and rule and links to a
//! page about the problem.

use e2e::{
    client::{Answer, Call, Client, call, call_with, with},
    ids,
    model::{Problem, Product},
    shop::{NewOrder, ORDERS},
};
use events::OrderStatus;
use hyper::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::world::{becomes, fast_shop};

/// The problem document of an answer, after checks that apply to all of them.
async fn problem(client: &Client, answer: Answer) -> Problem {
    let text = answer.text();
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/problem+json", "{text}");
    let problem: Problem = answer.json().unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(problem.status, answer.status.as_u16(), "{text}");
    assert!(!problem.title.is_empty());
    let page = client.send_to_any(Method::GET, &problem.kind).await.unwrap();
    assert_eq!(page.status, StatusCode::OK, "there is no page {}", problem.kind);
    problem
}

/// Field and code of every violation.
fn wrong(problem: &Problem) -> Vec<(&str, &str)> {
    problem.errors.iter().map(|error| (error.field.as_str(), error.code.as_str())).collect()
}

fn order_as_json(product: &Product) -> Value {
    serde_json::to_value(NewOrder::of(product, 1)).unwrap()
}

async fn place(client: &Client, body: &Value) -> Answer {
    client.post(ORDERS, &ids::key(), body).await.unwrap()
}

#[tokio::test]
async fn an_order_that_cannot_be_read_is_refused_naming_field_and_place() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let good = order_as_json(&product);
    let spoilt = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let mut unknown = good.clone();
    unknown["items"][0]["discount"] = json!(1);
    let mut missing = good.clone();
    missing["items"][0].as_object_mut().unwrap().remove("quantity");
    for (body, field, code) in [
        (spoilt("/items/0/quantity", json!("two")), "items[0].quantity", "wrong_type"),
        (spoilt("/items/0/price", json!(20.0)), "items[0].price", "wrong_type"),
        (spoilt("/items", json!({})), "items", "wrong_type"),
        (unknown, "items[0].discount", "unknown_field"),
        (missing, "items[0].quantity", "missing_field"),
    ] {
        let refused = place(&shop.client, &body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}: {}", refused.text());
        let problem = problem(&shop.client, refused).await;
        assert_eq!(problem.kind, "/problems/malformed-request");
        assert_eq!(wrong(&problem), [(field, code)], "{:?}", problem.detail);
    }
    for text in ["", "{", "[]", "{}x", "nonsense"] {
        let refused = with(call_with(Method::POST, ORDERS, text.to_owned()), "idempotency-key", "k");
        let refused = shop.client.send(refused).await.unwrap();
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{text:?}: {}", refused.text());
        assert_eq!(problem(&shop.client, refused).await.kind, "/problems/malformed-request");
    }
}

#[tokio::test]
async fn all_violations_of_an_order_are_reported_at_once() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let mut body = order_as_json(&product);
    body["customer"] = json!({ "name": " ", "email": "nobody", "phone": "123", "language": "English" });
    body["shippingAddress"]["country"] = json!("Britain");
    body["items"][0]["quantity"] = json!(0);
    body["payment"]["token"] = json!("");
    let refused = place(&shop.client, &body).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
    let problem = problem(&shop.client, refused).await;
    assert_eq!(problem.kind, "/problems/validation");
    let fields: Vec<_> = wrong(&problem).into_iter().map(|(field, _)| field).collect();
    for field in [
        "customer.name",
        "customer.email",
        "customer.phone",
        "customer.language",
        "shippingAddress.country",
        "items[0].quantity",
        "payment.token",
    ] {
        assert!(fields.contains(&field), "{field} is missing in {fields:?}");
    }
}

#[tokio::test]
async fn an_order_that_contradicts_the_catalogue_is_refused() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let good = order_as_json(&product);
    let spoilt = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let many: Vec<Value> = (0..101).map(|_| good["items"][0].clone()).collect();
    for (body, field, code) in [
        (spoilt("/items/0/productId", json!(ids::fresh())), "items[0].productId", "unknown_product"),
        (spoilt("/items/0/price", json!("19.99")), "items[0].price", "price_changed"),
        (spoilt("/currency", json!("GBP")), "currency", "currency_mismatch"),
        (spoilt("/currency", json!("JPY")), "currency", "unsupported_currency"),
        (spoilt("/items/0/quantity", json!(10_001)), "items[0].quantity", "out_of_range"),
        (spoilt("/items/0/price", json!("0.00")), "items[0].price", "out_of_range"),
        (spoilt("/items", json!([])), "items", "out_of_range"),
        (spoilt("/items", json!(many)), "items", "out_of_range"),
    ] {
        let refused = place(&shop.client, &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
        let problem = problem(&shop.client, refused).await;
        assert_eq!(problem.kind, "/problems/validation");
        assert!(wrong(&problem).contains(&(field, code)), "{field} {code}: {:?}", problem.errors);
        if code == "price_changed" {
            assert!(problem.errors[0].message.contains("20.00"), "the current price is not named: {problem:?}");
        }
    }
}

#[tokio::test]
async fn a_key_is_needed_to_place_an_order() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let body = order_as_json(&product);
    let none = shop.client.write(Method::POST, ORDERS, &body).await.unwrap();
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    assert_eq!(problem(&shop.client, none).await.kind, "/problems/idempotency-key-missing");
    for key in ["with blanks", &"x".repeat(256)] {
        let refused = shop.client.post(ORDERS, key, &body).await.unwrap();
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{key}: {}", refused.text());
        assert_eq!(problem(&shop.client, refused).await.kind, "/problems/malformed-request");
    }
}

#[tokio::test]
async fn an_invalid_or_too_large_body_is_refused_unread() {
    let shop = fast_shop().await;
    let mut text = with(call_with(Method::POST, ORDERS, "hello"), "idempotency-key", "k");
    text.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    let refused = shop.client.send(text).await.unwrap();
    assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    problem(&shop.client, refused).await;
    let large = format!("\"{}\"", "x".repeat(300 * 1024));
    let refused = shop.client.send(with(call_with(Method::POST, ORDERS, large), "idempotency-key", "k")).await.unwrap();
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem(&shop.client, refused).await.kind, "/problems/body-too-large");
}

#[tokio::test]
async fn unknown_ids_are_not_found_and_invalid_ids_are_reported() {
    let shop = fast_shop().await;
    let nobody = ids::fresh();
    for path in [
        format!("{ORDERS}/{nobody}"),
        format!("{ORDERS}/{nobody}/status"),
        format!("{ORDERS}/{nobody}/history"),
        format!("{ORDERS}/{nobody}/events"),
        format!("{ORDERS}/{nobody}/cancellation"),
        format!("/api/v1/products/{nobody}"),
        format!("/api/v1/payments/{nobody}"),
        format!("/api/fulfillment/orders/{nobody}"),
        "/api/v1/nonsense".to_owned(),
    ] {
        let refused = shop.client.send(call(Method::GET, &path)).await.unwrap();
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path}: {}", refused.text());
        assert_eq!(problem(&shop.client, refused).await.kind, "/problems/not-found");
    }
    let refused = shop.cancel(nobody).await.unwrap();
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    for path in [format!("{ORDERS}/7"), format!("{ORDERS}/7/status"), "/api/v1/products/teapot".to_owned()] {
        let refused = shop.client.send(call(Method::GET, &path)).await.unwrap();
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}: {}", refused.text());
        assert_eq!(problem(&shop.client, refused).await.kind, "/problems/malformed-request");
    }
    let refused = shop.client.send(call(Method::DELETE, ORDERS)).await.unwrap();
    assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
    problem(&shop.client, refused).await;
}

#[tokio::test]
async fn a_misspelt_filter_is_refused() {
    let shop = fast_shop().await;
    for (query, status) in [
        ("customerID=1", StatusCode::BAD_REQUEST),
        ("status=SHIPED", StatusCode::BAD_REQUEST),
        ("customerId=me", StatusCode::BAD_REQUEST),
        ("from=yesterday", StatusCode::BAD_REQUEST),
        ("cursor=nonsense", StatusCode::BAD_REQUEST),
        ("limit=0", StatusCode::UNPROCESSABLE_ENTITY),
        ("limit=201", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let refused = shop.client.send(call(Method::GET, &format!("{ORDERS}?{query}"))).await.unwrap();
        assert_eq!(refused.status, status, "{query}: {}", refused.text());
        problem(&shop.client, refused).await;
    }
}

#[tokio::test]
async fn rules_of_products_are_enforced() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let path = format!("/api/v1/products/{}", product.product_id);
    let as_it_is = json!({ "sku": product.sku, "name": "Teapot", "price": "21.00", "currency": "EUR" });
    let conditional =
        |tag: &str| -> Call { with(call_with(Method::PUT, &path, as_it_is.to_string()), "if-match", tag) };
    let stale = shop.client.send(conditional("\"0\"")).await.unwrap();
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.text());
    problem(&shop.client, stale).await;
    let current = shop.client.send(call(Method::GET, &path)).await.unwrap();
    let changed = shop.client.send(conditional(current.header("etag"))).await.unwrap();
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());

    let mut pounds = as_it_is.clone();
    pounds["currency"] = json!("GBP");
    let refused = shop.client.write(Method::PUT, &path, &pounds).await.unwrap();
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
    problem(&shop.client, refused).await;

    let missing = json!({ "quantity": -6, "reason": "CORRECTION", "note": null });
    let refused = shop.client.post(&format!("{path}/stock"), &ids::key(), &missing).await.unwrap();
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
    assert_eq!(problem(&shop.client, refused).await.kind, "/problems/insufficient-stock");
    assert_eq!(shop.stock(product.product_id, -5).await.unwrap().available, 0);
}

#[tokio::test]
async fn a_repeated_stock_delivery_counts_once() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 0).await.unwrap();
    let path = format!("/api/v1/products/{}/stock", product.product_id);
    let (key, body) = (ids::key(), json!({ "quantity": 5, "reason": "DELIVERY", "note": "truck" }));
    for _ in 0..3 {
        assert_eq!(shop.client.post(&path, &key, &body).await.unwrap().json::<Product>().unwrap().available, 5);
    }
    let movements: Value =
        shop.client.get(&format!("/api/v1/products/{}/movements", product.product_id)).await.unwrap();
    assert_eq!(movements["items"].as_array().map(Vec::len), Some(1), "{movements}");
}

#[tokio::test]
async fn rules_of_refunds_are_enforced() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    becomes(&shop, order, OrderStatus::Delivered).await;
    let path = format!("/api/v1/payments/{order}/refunds");
    let none = shop.client.write(Method::POST, &path, &json!({ "amount": "1.00", "reason": "x" })).await.unwrap();
    assert_eq!(problem(&shop.client, none).await.kind, "/problems/idempotency-key-missing");
    let nothing = shop.client.post(&path, &ids::key(), &json!({ "amount": "0.00", "reason": "x" })).await.unwrap();
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    problem(&shop.client, nothing).await;
    let nobody = format!("/api/v1/payments/{}/refunds", ids::fresh());
    let refused = shop.client.post(&nobody, &ids::key(), &json!({ "amount": "1.00", "reason": "x" })).await.unwrap();
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    problem(&shop.client, refused).await;
}
