//! Cancelling: possible until the parcel is picked up; all steps of the order are compensated.

use std::time::Duration;

use e2e::{
    model::{CancellationPreview, Problem, StatusView},
    shop::{NewOrder, Shop},
};
use events::{Money, OrderEndReason, OrderStatus};
use futures_util::future::join_all;
use hyper::StatusCode;
use uuid::Uuid;

use crate::world::{at, becomes, check_own, fast_shop, payment_becomes, slow_carrier_shop, system};

async fn preview(shop: &Shop, order: Uuid) -> CancellationPreview {
    shop.client.get(&format!("/api/v1/orders/{order}/cancellation")).await.unwrap()
}

#[tokio::test]
async fn a_confirmed_order_can_be_cancelled_and_everything_is_undone() {
    let shop = slow_carrier_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 2)).await.unwrap().order_id;
    becomes(&shop, order, OrderStatus::Confirmed).await;
    let before = preview(&shop, order).await;
    assert!(before.possible);
    assert_eq!(before.outcome.as_deref(), Some("CANCELLING"));
    assert_eq!(before.steps, ["RELEASE_STOCK", "REFUND", "CANCEL_SHIPMENT"]);
    assert_eq!(before.refund.map(|refund| refund.amount), Some(Money::from_minor(40_00)));

    let answer = shop.cancel(order).await.unwrap();
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    assert_eq!(answer.json::<StatusView>().unwrap().status, OrderStatus::Cancelling);
    let cancelled = becomes(&shop, order, OrderStatus::Cancelled).await;
    assert_eq!(cancelled.order.reason, Some(OrderEndReason::CustomerRequest));
    payment_becomes(&shop, order, &["REFUNDED"]).await;
    let facts = check_own(&shop).await;
    assert_eq!(facts.account()[&order].refunded(), 40_00);
    assert_eq!(facts.products[0].available, 5);
    assert!(facts.parcels().get(&order).is_none_or(|parcel| parcel.booked == parcel.cancelled));
    let after = preview(&shop, order).await;
    assert_eq!((after.possible, after.why.as_deref()), (false, Some("ALREADY_CANCELLED")));
}

#[tokio::test]
async fn a_repeated_cancellation_request_has_one_effect() {
    let shop = slow_carrier_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    becomes(&shop, order, OrderStatus::Confirmed).await;
    for answer in join_all((0..5).map(|_| shop.cancel(order))).await {
        assert_eq!(answer.unwrap().status, StatusCode::ACCEPTED);
    }
    becomes(&shop, order, OrderStatus::Cancelled).await;
    assert_eq!(shop.cancel(order).await.unwrap().status, StatusCode::ACCEPTED);
    check_own(&shop).await;
}

#[tokio::test]
async fn an_order_whose_charge_is_in_flight_can_be_cancelled() {
    let shop = slow_carrier_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 1).paid_with("tok_slow")).await.unwrap().order_id;
    becomes(&shop, order, OrderStatus::Reserved).await;
    let before = preview(&shop, order).await;
    assert_eq!((before.possible, before.outcome.as_deref()), (true, Some("CANCELLED")));
    let answer = shop.cancel(order).await.unwrap();
    assert_eq!(answer.json::<StatusView>().unwrap().status, OrderStatus::Cancelled, "{}", answer.text());
    payment_becomes(&shop, order, &["REFUNDED", "VOIDED"]).await;
    let facts = check_own(&shop).await;
    assert_eq!(facts.products[0].available, 5);
}

/// Whatever the result of the charge, no money is kept.
async fn cancelled_while_unknown(token: &str) {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 1).paid_with(token)).await.unwrap().order_id;
    becomes(&shop, order, OrderStatus::Reserved).await;
    assert_eq!(shop.cancel(order).await.unwrap().status, StatusCode::ACCEPTED);
    payment_becomes(&shop, order, &["REFUNDED", "VOIDED"]).await;
    check_own(&shop).await;
}

#[tokio::test]
async fn cancelled_during_an_unknown_charge_it_is_refunded() {
    cancelled_while_unknown("tok_timeout_charged").await;
}

#[tokio::test]
async fn cancelled_during_an_unknown_failed_charge_it_is_never_charged() {
    cancelled_while_unknown("tok_timeout_not_charged").await;
}

#[tokio::test]
async fn cancelled_before_a_late_charge_no_money_is_kept() {
    cancelled_while_unknown("tok_lands_late").await;
}

#[tokio::test]
async fn a_shipped_order_cannot_be_cancelled() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 5).await.unwrap();
    let delivered = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    let failed = shop.place(&NewOrder::of(&product, 1).paid_with("tok_declined")).await.unwrap().order_id;
    becomes(&shop, delivered, OrderStatus::Delivered).await;
    becomes(&shop, failed, OrderStatus::Failed).await;
    for (order, why) in [(delivered, "ALREADY_DELIVERED"), (failed, "ALREADY_FAILED")] {
        let refused = shop.cancel(order).await.unwrap();
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
        assert_eq!(refused.json::<Problem>().unwrap().kind, "/problems/not-cancellable");
        let preview = preview(&shop, order).await;
        assert_eq!((preview.possible, preview.why.as_deref()), (false, Some(why)));
    }
    check_own(&shop).await;
}

#[tokio::test]
async fn a_late_cancellation_does_not_change_the_order() {
    // the carrier has the parcel and its update is late: fulfillment refuses the cancellation
    let system = system(&["sandbox.carrier.pickup_after=0s", "sandbox.carrier.deliver_after=1d"]).await;
    let shop = at(&system);
    let product = shop.product("20.00", 100).await.unwrap();
    let mut refused = 0;
    for round in 0..20 {
        let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
        becomes_at_least_confirmed(&shop, order).await;
        let answer = shop.cancel(order).await.unwrap();
        let ends = e2e::eventually::eventually("it is shipped or cancelled", async || {
            let status: StatusView = shop.client.get(&format!("/api/v1/orders/{order}/status")).await.unwrap();
            if matches!(status.status, OrderStatus::Shipped | OrderStatus::Cancelled) {
                Ok(status.status)
            } else {
                Err(format!("{status:?}"))
            }
        });
        let end = ends.await;
        if answer.status == StatusCode::CONFLICT {
            assert_eq!(end, OrderStatus::Shipped, "round {round}");
        }
        refused += usize::from(end == OrderStatus::Shipped);
    }
    assert!(refused > 0, "no parcel was ever faster than its cancellation: this proves nothing");
}

async fn becomes_at_least_confirmed(shop: &Shop, order: Uuid) {
    e2e::eventually::eventually("it is confirmed", async || {
        let status: StatusView = shop.client.get(&format!("/api/v1/orders/{order}/status")).await.unwrap();
        if matches!(status.status, OrderStatus::Pending | OrderStatus::Reserved) {
            Err(format!("{status:?}"))
        } else {
            Ok(())
        }
    })
    .await;
}

#[tokio::test]
async fn an_order_cancelled_at_any_moment_ends_consistently() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 200).await.unwrap();
    let tokens = ["tok_ok", "tok_ok", "tok_flaky", "tok_timeout_charged", "tok_declined"];
    let attempts = (0..60_u64).zip(tokens.iter().cycle()).map(|(moment, token)| {
        let (shop, order) = (&shop, NewOrder::of(&product, 1).paid_with(token));
        async move {
            let order = shop.place(&order).await.unwrap().order_id;
            // not a wait for a condition: varies the moment of the cancellation
            tokio::time::sleep(Duration::from_millis(moment * 3)).await;
            let answer = shop.cancel(order).await.unwrap();
            assert!(matches!(answer.status, StatusCode::ACCEPTED | StatusCode::CONFLICT), "{}", answer.text());
        }
    });
    join_all(attempts).await;
    let facts = check_own(&shop).await;
    assert!(facts.with_status(OrderStatus::Cancelled).count() > 0);
}
