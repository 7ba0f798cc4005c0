//! Buying: a paid order is delivered, and no more is sold than is in stock.

use e2e::{client::CallError, model::OrderSummary, model::Product, shop::NewOrder};
use events::{OrderEndReason, OrderStatus};
use futures_util::future::join_all;

use crate::world::{becomes, check_own, fast_shop};

#[tokio::test]
async fn a_paid_order_is_delivered_with_a_tracking_number() {
    let shop = fast_shop().await;
    let teapot = shop.product("29.95", 10).await.unwrap();
    let placed = shop.place(&NewOrder::of(&teapot, 2)).await.unwrap();
    assert_eq!(placed.status, OrderStatus::Pending);
    assert_eq!(placed.total_amount.to_string(), "59.90");

    let delivered = becomes(&shop, placed.order_id, OrderStatus::Delivered).await;
    assert_eq!(delivered.order.status_text, "Delivered");
    let shipment = delivered.order.shipment.expect("it was shipped");
    assert!(shipment.tracking_number.is_some_and(|number| !number.is_empty()));
    assert!(shipment.carrier.is_some() && shipment.estimated_delivery.is_some());
    let payment = delivered.order.payment.expect("it was paid");
    assert_eq!((payment.status.as_str(), payment.amount.to_string()), ("CHARGED", "59.90".to_owned()));
    let steps: Vec<_> = delivered.history.iter().map(|step| step.status).collect();
    assert_eq!(
        steps,
        [
            OrderStatus::Pending,
            OrderStatus::Reserved,
            OrderStatus::Confirmed,
            OrderStatus::Shipped,
            OrderStatus::Delivered
        ]
    );

    let facts = check_own(&shop).await;
    let Product { available, reserved, shipped, .. } = facts.products[0];
    assert_eq!((available, reserved, shipped), (8, 0, 2));
}

#[tokio::test]
async fn an_order_beyond_the_stock_is_cancelled_and_not_charged() {
    let shop = fast_shop().await;
    let rare = shop.product("480.00", 3).await.unwrap();
    let placed = shop.place(&NewOrder::of(&rare, 4)).await.unwrap();
    let cancelled = becomes(&shop, placed.order_id, OrderStatus::Cancelled).await;
    assert_eq!(cancelled.order.reason, Some(OrderEndReason::OutOfStock));
    let facts = check_own(&shop).await;
    assert!(facts.provider.is_empty() && facts.carrier.is_empty(), "{:?} {:?}", facts.provider, facts.carrier);
    assert_eq!(facts.products[0].available, 3);
}

#[tokio::test]
async fn an_order_is_reserved_and_shipped_completely_or_not_at_all() {
    let shop = fast_shop().await;
    let (pot, mug) = (shop.product("30.00", 5).await.unwrap(), shop.product("8.50", 5).await.unwrap());
    let whole = shop.place(&NewOrder::of(&pot, 2).and(&mug, 5)).await.unwrap();
    becomes(&shop, whole.order_id, OrderStatus::Delivered).await;
    let half = shop.place(&NewOrder::of(&pot, 3).and(&mug, 1)).await.unwrap();
    becomes(&shop, half.order_id, OrderStatus::Cancelled).await;
    let facts = check_own(&shop).await;
    let stock =
        |product: &Product| facts.products.iter().find(|it| it.product_id == product.product_id).unwrap().available;
    assert_eq!((stock(&pot), stock(&mug)), (3, 0), "what was there was not taken for an order that can't be fulfilled");
}

#[tokio::test]
async fn the_last_unit_is_sold_once() {
    let shop = fast_shop().await;
    let rare = shop.product("99.00", 7).await.unwrap();
    let wanted = NewOrder::of(&rare, 1);
    let placed: Vec<Result<OrderSummary, CallError>> = join_all((0..25).map(|_| shop.place(&wanted))).await;
    assert!(placed.iter().all(Result::is_ok), "{placed:?}");
    let facts = check_own(&shop).await;
    assert_eq!(facts.with_status(OrderStatus::Delivered).count(), 7);
    assert_eq!(facts.with_status(OrderStatus::Cancelled).count(), 18);
    assert_eq!(facts.products[0].shipped, 7);
}
