//! Outages: when provider or carrier are slow, fail or are down, orders wait, end at a deadline, or
//! continue afterwards.

use e2e::{
    check::collect::detail,
    eventually::eventually,
    model::{Order, Product, Reservation, StatusView},
    shop::{NewOrder, Shop},
};
use events::{OrderEndReason, OrderStatus};
use serde_json::{Value, json};

use crate::world::{at, becomes, behave, check_all, payment_becomes, system};

#[tokio::test]
async fn an_expired_reservation_ends_the_order_through_its_arbiter() {
    let system = system(&["inventory.reservation_ttl=1s"]).await;
    let shop = at(&system);
    behave(&shop.client, "payment-provider", json!({ "latencyMs": { "min": 10_000, "max": 10_000 } })).await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 2)).await.unwrap().order_id;
    let cancelled = becomes(&shop, order, OrderStatus::Cancelled).await;
    assert_eq!(cancelled.order.reason, Some(OrderEndReason::ReservationExpired));
    behave(&shop.client, "payment-provider", json!({})).await;
    payment_becomes(&shop, order, &["VOIDED", "REFUNDED"]).await;
    let facts = check_all(&system, &shop).await;
    assert_eq!(facts.products.iter().find(|it| it.product_id == product.product_id).unwrap().available, 5);
}

#[tokio::test]
async fn an_order_that_does_not_move_is_ended_at_its_deadline() {
    let system = system(&["order.deadline=1s"]).await;
    let shop = at(&system);
    behave(&shop.client, "payment-provider", json!({ "latencyMs": { "min": 10_000, "max": 10_000 } })).await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 2)).await.unwrap().order_id;
    let cancelled = becomes(&shop, order, OrderStatus::Cancelled).await;
    assert_eq!(cancelled.order.reason, Some(OrderEndReason::DeadlineExceeded));
    behave(&shop.client, "payment-provider", json!({})).await;
    payment_becomes(&shop, order, &["VOIDED", "REFUNDED"]).await;
    check_all(&system, &shop).await;
}

#[tokio::test]
async fn a_confirmed_order_outlives_its_reservation_time_and_its_deadline() {
    let system = system(&["inventory.reservation_ttl=2s", "order.deadline=2s"]).await;
    let shop = at(&system);
    behave(&shop.client, "carrier", json!({ "down": true })).await;
    let product = shop.product("20.00", 100).await.unwrap();
    let confirmed = confirmed_in_time(&shop, &product).await;
    let order = confirmed.order_id;
    // the end of another order shows that both times have passed for this one
    behave(&shop.client, "payment-provider", json!({ "latencyMs": { "min": 10_000, "max": 10_000 } })).await;
    let later = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    becomes(&shop, later, OrderStatus::Cancelled).await;
    let status: StatusView = shop.client.get(&format!("/api/v1/orders/{order}/status")).await.unwrap();
    assert_eq!((status.status, status.version), (OrderStatus::Confirmed, confirmed.version));
    let kept: Value = shop.client.get(&format!("/api/v1/reservations?orderId={order}")).await.unwrap();
    let kept: Vec<Reservation> = serde_json::from_value(kept["items"].clone()).unwrap();
    assert_eq!(kept[0].status, "COMMITTED");
    behave(&shop.client, "payment-provider", json!({})).await;
    behave(&shop.client, "carrier", json!({})).await;
    becomes(&shop, order, OrderStatus::Delivered).await;
    payment_becomes(&shop, later, &["VOIDED", "REFUNDED"]).await;
    check_all(&system, &shop).await;
}

/// The first order that is confirmed before its deadline: on a busy machine some are not.
async fn confirmed_in_time(shop: &Shop, product: &Product) -> Order {
    for _ in 0..20 {
        let order = shop.place(&NewOrder::of(product, 2)).await.unwrap().order_id;
        let what = format!("order {order} is confirmed or out of time");
        let order = eventually(&what, async || {
            let detail = detail(&shop.client, order).await.map_err(|error| error.to_string())?;
            let order = detail.ok_or("unknown")?.order;
            match (order.status, order.reason) {
                (OrderStatus::Confirmed, _)
                | (
                    OrderStatus::Cancelled,
                    Some(OrderEndReason::DeadlineExceeded | OrderEndReason::ReservationExpired),
                ) => Ok(order),
                (status, reason) => Err(format!("{status:?} {reason:?}")),
            }
        })
        .await;
        if order.status == OrderStatus::Confirmed {
            return order;
        }
    }
    panic!("none of 20 orders was confirmed before its time was over");
}

#[tokio::test]
async fn an_outage_of_the_carrier_blocks_no_order_and_loses_no_parcel() {
    let system = system(&[]).await;
    let shop = at(&system);
    behave(&shop.client, "carrier", json!({ "down": true })).await;
    let product = shop.product("20.00", 50).await.unwrap();
    let mut orders = Vec::new();
    for _ in 0..10 {
        orders.push(shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id);
    }
    for &order in &orders {
        let confirmed = becomes(&shop, order, OrderStatus::Confirmed).await;
        assert!(confirmed.order.payment.is_some(), "paid while the carrier is away");
    }
    behave(&shop.client, "carrier", json!({})).await;
    for order in orders {
        becomes(&shop, order, OrderStatus::Delivered).await;
    }
    check_all(&system, &shop).await;
}

#[tokio::test]
async fn a_carrier_that_loses_answers_ships_each_parcel_once() {
    let system = system(&[]).await;
    let shop = at(&system);
    let how = json!({ "timeoutRate": 0.15, "timeoutAfterEffectRate": 0.15, "errorRate": 0.05 });
    behave(&shop.client, "carrier", how).await;
    let product = shop.product("20.00", 50).await.unwrap();
    let mut orders = Vec::new();
    for _ in 0..20 {
        orders.push(shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id);
    }
    eventually("all are paid", async || {
        let open: Value = shop.client.get("/api/v1/orders?status=RESERVED").await.unwrap();
        if open["items"].as_array().is_some_and(Vec::is_empty) { Ok(()) } else { Err(open.to_string()) }
    })
    .await;
    behave(&shop.client, "carrier", json!({})).await;
    for order in orders {
        becomes(&shop, order, OrderStatus::Delivered).await;
    }
    check_all(&system, &shop).await;
}

#[tokio::test]
async fn a_provider_that_loses_answers_charges_each_order_once() {
    let system = system(&[]).await;
    let shop = at(&system);
    let how = json!({ "timeoutRate": 0.15, "timeoutAfterEffectRate": 0.15, "errorRate": 0.05 });
    behave(&shop.client, "payment-provider", how).await;
    let product = shop.product("20.00", 50).await.unwrap();
    let mut orders = Vec::new();
    for _ in 0..20 {
        orders.push(shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id);
    }
    for &order in &orders {
        payment_becomes(&shop, order, &["CHARGING", "UNKNOWN", "CHARGED"]).await;
    }
    behave(&shop.client, "payment-provider", json!({})).await;
    for order in orders {
        becomes(&shop, order, OrderStatus::Delivered).await;
    }
    check_all(&system, &shop).await;
}
