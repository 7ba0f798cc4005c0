//! Notifications: customers get one per event and channel, by their preferences.

use e2e::{
    eventually::eventually,
    model::{Notification, all},
    shop::{NewOrder, Shop},
};
use events::OrderStatus;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{becomes, check_own, fast_shop, slow_carrier_shop};

/// All notifications of an order, once `expected` have been sent.
async fn notifications(shop: &Shop, order: Uuid, expected: usize) -> Vec<Notification> {
    let mut messages = eventually("all notifications are sent", async || {
        let messages: Vec<Notification> =
            all(&shop.client, &format!("/api/v1/notifications?orderId={order}")).await.unwrap();
        let sent = messages.iter().filter(|message| message.status == "SENT").count();
        if sent >= expected { Ok(messages) } else { Err(format!("{messages:?}")) }
    })
    .await;
    messages.sort_by(|a, b| (&a.event, &a.channel).cmp(&(&b.event, &b.channel)));
    messages
}

fn events_by(messages: &[Notification], channel: &str) -> Vec<String> {
    messages.iter().filter(|message| message.channel == channel).map(|message| message.event.clone()).collect()
}

#[tokio::test]
async fn a_customer_gets_one_notification_per_step() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    let delivered = becomes(&shop, order, OrderStatus::Delivered).await;
    let messages = notifications(&shop, order, 3).await;
    assert_eq!(events_by(&messages, "email"), ["OrderConfirmed.v1", "OrderDelivered.v1", "OrderShipped.v1"]);
    assert!(messages.iter().all(|message| message.recipient.as_deref() == Some("ada@example.org")), "{messages:?}");
    let number = delivered.order.shipment.unwrap().tracking_number.unwrap();
    let shipped = messages.iter().find(|message| message.event == "OrderShipped.v1").unwrap();
    assert!(shipped.body.as_ref().unwrap().contains(&number), "the tracking number is not in {:?}", shipped.body);
    check_own(&shop).await;
}

#[tokio::test]
async fn a_customer_is_notified_of_failures_and_refunds() {
    let shop = slow_carrier_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let cancelled = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    becomes(&shop, cancelled, OrderStatus::Confirmed).await;
    shop.cancel(cancelled).await.unwrap();
    let failed = shop.place(&NewOrder::of(&product, 1).paid_with("tok_declined")).await.unwrap().order_id;
    becomes(&shop, failed, OrderStatus::Failed).await;
    becomes(&shop, cancelled, OrderStatus::Cancelled).await;
    let messages = notifications(&shop, cancelled, 3).await;
    let expected = ["OrderCancelled.v1", "OrderConfirmed.v1", "PaymentRefunded.v1"];
    assert_eq!(events_by(&messages, "email"), expected);
    assert_eq!(events_by(&notifications(&shop, failed, 1).await, "email"), ["OrderStatusChanged.v1"]);
    check_own(&shop).await;
}

#[tokio::test]
async fn a_customer_chooses_channels() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = NewOrder::of(&product, 1);
    let path = format!("/api/v1/customers/{}/preferences", order.customer_id);
    let usual: Value = shop.client.get(&path).await.unwrap();
    assert_eq!(usual, json!({ "email": true, "sms": false, "language": "en" }));
    let preferences = json!({ "email": false, "sms": true, "language": "en" });
    let answer = shop.client.write(Method::PUT, &path, &preferences).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(shop.client.get::<Value>(&path).await.unwrap(), preferences);

    let order = shop.place(&order).await.unwrap().order_id;
    becomes(&shop, order, OrderStatus::Delivered).await;
    let messages = notifications(&shop, order, 4).await;
    assert_eq!(events_by(&messages, "sms"), ["OrderConfirmed.v1", "OrderDelivered.v1", "OrderShipped.v1"]);
    assert_eq!(events_by(&messages, "email"), ["OrderConfirmed.v1"], "confirmations always go by e-mail");
}

#[tokio::test]
async fn a_message_can_be_sent_again() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    becomes(&shop, order, OrderStatus::Delivered).await;
    let messages = notifications(&shop, order, 3).await;
    let path = format!("/api/v1/notifications/{}/resend", messages[0].notification_id);
    let answer = shop.client.send(e2e::client::call(Method::POST, &path)).await.unwrap();
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    assert_eq!(notifications(&shop, order, 3).await.len(), 3, "the same notification, not another one");
}
