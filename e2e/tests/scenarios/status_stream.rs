//! The status stream sends each status of an order once, and ends after the last one.

use e2e::{
    client::{call, with},
    model::StatusView,
    shop::{NewOrder, ORDERS},
    sse::Stream,
};
use events::OrderStatus;
use hyper::{Method, StatusCode};

use crate::world::{becomes, check_own, fast_shop, slow_carrier_shop};

#[tokio::test]
async fn a_stream_sends_every_status_until_the_order_ends() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    let mut stream = Stream::open(&shop.client, call(Method::GET, &format!("{ORDERS}/{order}/events"))).await.unwrap();
    assert_eq!(stream.response().status(), StatusCode::OK);
    assert!(stream.response().headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));

    let seen = stream.rest().await.unwrap();
    let statuses: Vec<StatusView> = seen.iter().map(|message| message.json().unwrap()).collect();
    assert!(seen.iter().all(|message| message.event == "status"), "{seen:?}");
    for (message, status) in seen.iter().zip(&statuses) {
        assert_eq!(message.id.as_deref(), Some(status.version.to_string().as_str()));
    }
    let versions: Vec<i64> = statuses.iter().map(|status| status.version).collect();
    assert!(versions.windows(2).all(|pair| pair[1] == pair[0] + 1), "none left out, none twice: {versions:?}");
    let last = statuses.last().unwrap();
    assert_eq!((last.status, last.version), (OrderStatus::Delivered, 5));
    check_own(&shop).await;
}

#[tokio::test]
async fn a_resumed_stream_sends_the_missed_statuses_once() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    let path = format!("{ORDERS}/{order}/events");
    becomes(&shop, order, OrderStatus::Delivered).await;

    let back = with(call(Method::GET, &path), "last-event-id", "2");
    let seen = Stream::open(&shop.client, back).await.unwrap().rest().await.unwrap();
    let ids: Vec<_> = seen.iter().filter_map(|message| message.id.as_deref()).collect();
    assert_eq!(ids, ["3", "4", "5"]);

    let all_seen = with(call(Method::GET, &path), "last-event-id", "5");
    let answer = shop.client.send(all_seen).await.unwrap();
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "no further status: {}", answer.text());
}

#[tokio::test]
async fn a_stream_sends_a_cancellation() {
    let shop = slow_carrier_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    becomes(&shop, order, OrderStatus::Confirmed).await;
    let mut stream = Stream::open(&shop.client, call(Method::GET, &format!("{ORDERS}/{order}/events"))).await.unwrap();
    let first: StatusView = stream.next().await.unwrap().unwrap().json().unwrap();
    assert_eq!(first.status, OrderStatus::Confirmed, "the current one first");
    shop.cancel(order).await.unwrap();
    let rest: Vec<StatusView> = stream.rest().await.unwrap().iter().map(|message| message.json().unwrap()).collect();
    let statuses: Vec<_> = rest.iter().map(|status| status.status).collect();
    assert_eq!(statuses, [OrderStatus::Cancelling, OrderStatus::Cancelled]);
    check_own(&shop).await;
}
