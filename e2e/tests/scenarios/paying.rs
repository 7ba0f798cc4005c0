//! Paying: an order is charged at most once, whatever the provider answers.

use e2e::{model::Problem, shop::NewOrder};
use events::{Money, OrderEndReason, OrderStatus};
use hyper::StatusCode;

use crate::world::{becomes, check_own, fast_shop, payment_becomes, slow_carrier_shop};

#[tokio::test]
async fn a_declined_card_fails_the_order_and_gives_the_stock_back() {
    let shop = fast_shop().await;
    for (token, reason) in [
        ("tok_declined", OrderEndReason::CardDeclined),
        ("tok_insufficient_funds", OrderEndReason::InsufficientFunds),
        ("tok_of_nobody", OrderEndReason::PaymentNotAuthorised),
    ] {
        let product = shop.product("20.00", 1).await.unwrap();
        let placed = shop.place(&NewOrder::of(&product, 1).paid_with(token)).await.unwrap();
        let failed = becomes(&shop, placed.order_id, OrderStatus::Failed).await;
        assert_eq!(failed.order.reason, Some(reason), "{token}");
    }
    let facts = check_own(&shop).await;
    assert!(facts.provider.is_empty(), "{:?}", facts.provider);
    assert!(facts.products.iter().all(|product| product.available == 1), "{:?}", facts.products);
}

/// A delivered order was charged exactly once, whatever the provider does with this token.
async fn is_charged_once(token: &str) {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 3).await.unwrap();
    let placed = shop.place(&NewOrder::of(&product, 1).paid_with(token)).await.unwrap();
    becomes(&shop, placed.order_id, OrderStatus::Delivered).await;
    let facts = check_own(&shop).await;
    assert_eq!(facts.provider.len(), 1, "{:?}", facts.provider);
}

#[tokio::test]
async fn a_provider_that_fails_twice_charges_once() {
    is_charged_once("tok_flaky").await;
}

#[tokio::test]
async fn a_charge_with_a_lost_answer_is_found_and_not_repeated() {
    is_charged_once("tok_timeout_charged").await;
}

#[tokio::test]
async fn a_charge_with_a_lost_request_is_repeated() {
    is_charged_once("tok_timeout_not_charged").await;
}

#[tokio::test]
async fn a_late_charge_is_made_once() {
    is_charged_once("tok_lands_late").await;
}

#[tokio::test]
async fn an_order_waits_for_a_slow_provider() {
    is_charged_once("tok_slow").await;
}

#[tokio::test]
async fn partial_refunds_never_exceed_the_charge() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 3).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 2)).await.unwrap().order_id;
    becomes(&shop, order, OrderStatus::Delivered).await;

    let part = shop.refund(order, Money::from_minor(15_00)).await.unwrap();
    assert_eq!(part.status, StatusCode::ACCEPTED, "{}", part.text());
    let too_much = shop.refund(order, Money::from_minor(25_01)).await.unwrap();
    assert_eq!(too_much.json::<Problem>().unwrap().kind, "/problems/refund-exceeds-charge");
    let facts = check_own(&shop).await;
    let shown = facts.details[&order].order.payment.as_ref().unwrap();
    assert_eq!((shown.status.as_str(), shown.refunded), ("CHARGED", Money::from_minor(15_00)));

    let rest = shop.refund(order, Money::from_minor(25_00)).await.unwrap();
    assert_eq!(rest.status, StatusCode::ACCEPTED, "{}", rest.text());
    payment_becomes(&shop, order, &["REFUNDED"]).await;
    let facts = check_own(&shop).await;
    assert_eq!(facts.account()[&order].refunded(), 40_00);
    assert_eq!(facts.details[&order].order.status, OrderStatus::Delivered, "a refund is no return");
}

#[tokio::test]
async fn before_it_is_shipped_an_order_is_cancelled_not_refunded() {
    let shop = slow_carrier_shop().await;
    let product = shop.product("20.00", 3).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    becomes(&shop, order, OrderStatus::Confirmed).await;
    let whole = shop.refund(order, Money::from_minor(20_00)).await.unwrap();
    assert_eq!(whole.status, StatusCode::CONFLICT, "{}", whole.text());
    assert_eq!(whole.json::<Problem>().unwrap().kind, "/problems/cancel-instead");
    // a partial refund is possible; cancelling then refunds the rest
    let part = shop.refund(order, Money::from_minor(5_00)).await.unwrap();
    assert_eq!(part.status, StatusCode::ACCEPTED, "{}", part.text());
    assert_eq!(shop.cancel(order).await.unwrap().status, StatusCode::ACCEPTED);
    becomes(&shop, order, OrderStatus::Cancelled).await;
    payment_becomes(&shop, order, &["REFUNDED"]).await;
    let facts = check_own(&shop).await;
    assert_eq!(facts.account()[&order].refunded(), 20_00);
}

#[tokio::test]
async fn a_repeated_refund_request_refunds_once() {
    let shop = fast_shop().await;
    let product = shop.product("20.00", 3).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    becomes(&shop, order, OrderStatus::Delivered).await;
    let path = format!("/api/v1/payments/{order}/refunds");
    let (key, body) = (e2e::ids::key(), serde_json::json!({ "amount": "5.00", "reason": "scratched" }));
    let first = shop.client.post(&path, &key, &body).await.unwrap();
    let again = shop.client.post(&path, &key, &body).await.unwrap();
    assert_eq!((first.status, again.status), (StatusCode::ACCEPTED, StatusCode::ACCEPTED), "{}", again.text());
    assert_eq!(first.body, again.body);
    e2e::eventually::eventually("the refund is paid", async || {
        let facts = e2e::check::collect(&shop.client, shop.history(), e2e::check::Depth::Own).await.unwrap();
        match facts.account()[&order].refunds.as_slice() {
            [] => Err("nothing paid yet".to_owned()),
            [one] if one.minor() == 500 => Ok(()),
            more => panic!("paid {more:?}"),
        }
    })
    .await;
}
