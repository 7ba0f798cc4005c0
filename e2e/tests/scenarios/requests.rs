//! Requests: idempotent placing of orders, conditional status queries, links, and lists.

use std::collections::BTreeSet;

use e2e::{
    client::{call, with},
    ids,
    model::{OrderSummary, Page, Problem, StatusView, all},
    shop::{NewOrder, ORDERS},
};
use events::{OrderStatus, Timestamp};
use futures_util::future::join_all;
use hyper::{Method, StatusCode};

use crate::world::{becomes, check_own, fast_shop};

#[tokio::test]
async fn the_same_key_and_body_get_the_first_answer_byte_for_byte() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let (key, order) = (ids::key(), NewOrder::of(&product, 1));
    let placed = shop.place_as(&key, &order).await.unwrap();
    becomes(&shop, placed.order_id, OrderStatus::Delivered).await;

    let first = shop.client.post(ORDERS, &key, &order).await.unwrap();
    let again = shop.client.post(ORDERS, &key, &order).await.unwrap();
    assert_eq!((first.status, again.status), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    assert_eq!(first.body, again.body);
    assert_eq!(first.json::<OrderSummary>().unwrap(), placed, "the state at the time of the first answer");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("location"), format!("/api/v1/orders/{}", placed.order_id));
    check_own(&shop).await;
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let key = ids::key();
    shop.place_as(&key, &NewOrder::of(&product, 1)).await.unwrap();
    let other = shop.client.post(ORDERS, &key, &NewOrder::of(&product, 2)).await.unwrap();
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.json::<Problem>().unwrap().kind, "/problems/idempotency-key-reused");
    check_own(&shop).await;
}

#[tokio::test]
async fn a_refusal_is_not_stored_under_the_key() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let (key, mut order) = (ids::key(), NewOrder::of(&product, 1));
    order.items[0].price = "19.00".parse().unwrap();
    assert!(shop.place_as(&key, &order).await.is_err());
    order.items[0].price = product.price;
    shop.place_as(&key, &order).await.unwrap();
    check_own(&shop).await;
}

#[tokio::test]
async fn concurrent_requests_with_one_key_place_one_order() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let (key, order) = (ids::key(), NewOrder::of(&product, 1));
    let mut orders = BTreeSet::new();
    for answer in join_all((0..20).map(|_| shop.client.post(ORDERS, &key, &order))).await {
        let answer = answer.unwrap();
        match answer.status {
            StatusCode::ACCEPTED => drop(orders.insert(answer.json::<OrderSummary>().unwrap().order_id)),
            StatusCode::CONFLICT => {
                assert_eq!(answer.json::<Problem>().unwrap().kind, "/problems/request-in-progress");
                assert!(!answer.header("retry-after").is_empty());
            }
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert_eq!(orders.len(), 1, "{orders:?}");
    let settled = shop.place_as(&key, &order).await.unwrap();
    assert!(orders.contains(&settled.order_id));
    check_own(&shop).await;
}

#[tokio::test]
async fn an_unchanged_status_is_not_sent_again() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    let delivered = becomes(&shop, order, OrderStatus::Delivered).await.order;
    let path = format!("{ORDERS}/{order}/status");
    let answer = e2e::eventually::eventually("the status is the latest", async || {
        let answer = shop.client.send(call(Method::GET, &path)).await.unwrap();
        let status: StatusView = answer.json().unwrap();
        if status.version == delivered.version { Ok(answer) } else { Err(format!("{status:?}")) }
    })
    .await;
    let tag = answer.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", delivered.version));
    let status: StatusView = answer.json().unwrap();
    assert_eq!(
        (status.status, status.status_text.as_str(), status.reason),
        (OrderStatus::Delivered, "Delivered", None)
    );

    let unchanged = shop.client.send(with(call(Method::GET, &path), "if-none-match", &tag)).await.unwrap();
    assert_eq!((unchanged.status, unchanged.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let changed = shop.client.send(with(call(Method::GET, &path), "if-none-match", "\"1\"")).await.unwrap();
    assert_eq!(changed.status, StatusCode::OK);
}

#[tokio::test]
async fn an_order_has_links_to_all_its_resources() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let (key, order) = (ids::key(), NewOrder::of(&product, 1));
    let answer = shop.client.post(ORDERS, &key, &order).await.unwrap();
    let placed: OrderSummary = answer.json().unwrap();
    assert_eq!(answer.header("location"), format!("{ORDERS}/{}", placed.order_id));
    assert!(answer.header("traceparent").starts_with("00-"), "{:?}", answer.headers);
    for name in ["self", "status", "history", "events", "cancellation"] {
        let link = placed.links.get(name).unwrap_or_else(|| panic!("no link {name}: {placed:?}"));
        let found = shop.client.open(call(Method::GET, link)).await.unwrap();
        assert!(found.status().is_success(), "{link}: {}", found.status());
    }
    let old: serde_json::Value = shop.client.get(&format!("/api/orders/{}", placed.order_id)).await.unwrap();
    assert_eq!(old["orderId"], placed.order_id.to_string());
    shop.place_as(&key, &order).await.unwrap();
    check_own(&shop).await;
}

#[tokio::test]
async fn a_list_is_complete_newest_first_and_page_by_page() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 50).await.unwrap();
    let mut order = NewOrder::of(&product, 1);
    let mut placed = Vec::new();
    for round in 0..7 {
        order.payment.token = if round == 3 { "tok_declined" } else { "tok_ok" }.to_owned();
        placed.push(shop.place(&order).await.unwrap());
    }
    check_own(&shop).await;
    let customer = order.customer_id;
    let path = format!("{ORDERS}?customerId={customer}");

    let first: Page<OrderSummary> = shop.client.get(&format!("{path}&limit=3")).await.unwrap();
    assert_eq!(first.items.len(), 3);
    assert!(first.next.is_some());
    let listed: Vec<OrderSummary> = all(&shop.client, &format!("{path}&limit=3")).await.unwrap();
    let ids = |orders: &[OrderSummary]| orders.iter().map(|order| order.order_id).collect::<Vec<_>>();
    let mut newest_first = ids(&placed);
    newest_first.reverse();
    assert_eq!(ids(&listed), newest_first);

    let failed: Page<OrderSummary> = shop.client.get(&format!("{path}&status=FAILED")).await.unwrap();
    assert_eq!(ids(&failed.items), [placed[3].order_id]);
    let since: Timestamp = placed[5].created_at;
    let late: Page<OrderSummary> = shop.client.get(&format!("{path}&from={since}")).await.unwrap();
    assert!(late.items.len() >= 2 && late.items.iter().all(|order| order.created_at >= since), "{late:?}");
    let early: Page<OrderSummary> = shop.client.get(&format!("{path}&to={since}")).await.unwrap();
    assert_eq!(early.items.len() + late.items.len(), 7);
}
