//! Analytics: the dashboard agrees with the orders and the money.

use e2e::{
    check::{self, Facts},
    client::{call, with},
    eventually::eventually,
    ids,
    model::OrderCounts,
    shop::{Accepted, NewOrder},
};
use events::{Currency, Money, OrderStatus};
use hyper::{Method, StatusCode};
use serde_json::Value;

use crate::world::{SLOW_CARRIER, at, becomes, check_all, payment_becomes, system};

#[tokio::test]
async fn the_dashboard_agrees_with_the_orders() {
    let system = system(&[]).await;
    let shop = at(&system);
    let (pot, mug) = (shop.product("30.00", 100).await.unwrap(), shop.product("8.50", 1).await.unwrap());
    for quantity in [1, 2, 3] {
        shop.place(&NewOrder::of(&pot, quantity)).await.unwrap();
    }
    shop.place(&NewOrder::of(&pot, 1).paid_with("tok_declined")).await.unwrap();
    shop.place(&NewOrder::of(&pot, 1).paid_with("tok_insufficient_funds")).await.unwrap();
    shop.place(&NewOrder::of(&mug, 2)).await.unwrap();
    let partly = shop.place(&NewOrder::of(&mug, 1)).await.unwrap().order_id;
    becomes(&shop, partly, OrderStatus::Delivered).await;
    shop.refund(partly, Money::from_minor(3_50)).await.unwrap();

    let facts = check_all(&system, &shop).await;
    let dashboard = facts.whole.unwrap().dashboard.unwrap();
    let counts = dashboard.orders;
    assert_eq!(
        OrderCounts { reserved: 0, ..counts },
        OrderCounts {
            placed: 7,
            reserved: 0,
            confirmed: 4,
            shipped: 4,
            delivered: 4,
            cancelled: 1,
            failed: 2,
            open: 0
        }
    );
    let euros = dashboard.revenue.iter().find(|line| line.currency == Currency::EUR).unwrap();
    assert_eq!((euros.charged.minor(), euros.refunded.minor(), euros.net.minor()), (188_50, 3_50, 185_00));
    let reasons: Vec<_> = dashboard.failures.iter().map(|failure| (failure.reason.as_str(), failure.orders)).collect();
    for reason in ["CARD_DECLINED", "INSUFFICIENT_FUNDS", "OUT_OF_STOCK"] {
        assert!(reasons.contains(&(reason, 1)), "{reason} in {reasons:?}");
    }
    let best = &dashboard.top_products[0];
    assert_eq!((best.product_id, best.units, best.revenue.minor()), (pot.product_id, 6, 180_00));
    let steps: Vec<_> = dashboard.funnel.iter().map(|step| (step.step.as_str(), step.orders)).collect();
    assert_eq!(steps[0], ("placed", 7));
    assert_eq!(steps.last(), Some(&("delivered", 4)));

    eventually("nothing is left to be counted", async || {
        let flat: Value = shop.client.get("/api/v1/analytics/metrics").await.unwrap();
        assert_eq!(flat["numbers"]["orders.delivered"], 4, "{flat}");
        let caught_up = flat["lag"].as_object().is_some_and(|lag| lag.values().all(|behind| behind == 0));
        if caught_up { Ok(()) } else { Err(flat.to_string()) }
    })
    .await;
    let csv = with(call(Method::GET, "/api/v1/analytics/reports/orders"), "accept", "text/csv");
    let csv = shop.client.send(csv).await.unwrap();
    assert_eq!(csv.status, StatusCode::OK, "{}", csv.text());
    assert!(csv.header("content-type").starts_with("text/csv"));
}

#[tokio::test]
async fn refunds_reduce_revenue() {
    let system = system(SLOW_CARRIER).await;
    let shop = at(&system);
    let pot = shop.product("30.00", 100).await.unwrap();
    let order = shop.place(&NewOrder::of(&pot, 2)).await.unwrap().order_id;
    becomes(&shop, order, OrderStatus::Confirmed).await;
    eventually("the open order is counted", async || {
        let board: Value = shop.client.get("/api/v1/analytics/dashboard").await.unwrap();
        if board["orders"]["open"] == 1 && board["revenue"][0]["charged"] == "60.00" {
            Ok(())
        } else {
            Err(board.to_string())
        }
    })
    .await;
    shop.cancel(order).await.unwrap();
    payment_becomes(&shop, order, &["REFUNDED"]).await;
    let facts = check_all(&system, &shop).await;
    let dashboard = facts.whole.unwrap().dashboard.unwrap();
    assert_eq!((dashboard.orders.cancelled, dashboard.orders.open), (1, 0));
    assert_eq!(dashboard.revenue[0].net, Money::ZERO);
    assert!(dashboard.top_products.is_empty(), "{:?}", dashboard.top_products);
}

#[tokio::test]
async fn the_checker_reports_a_violation() {
    let system = system(&[]).await;
    let shop = at(&system);
    let pot = shop.product("30.00", 100).await.unwrap();
    let order = shop.place(&NewOrder::of(&pot, 2)).await.unwrap().order_id;
    let facts = check_all(&system, &shop).await;
    assert_eq!(facts.details[&order].order.status, OrderStatus::Delivered);

    // changes the shop's history, so that the system disagrees with it
    let found = |spoil: &dyn Fn(&mut Facts)| -> Vec<&str> {
        let mut facts = facts.clone();
        spoil(&mut facts);
        check::violations(&facts).iter().map(|violation| violation.rule).collect()
    };
    assert_eq!(found(&|_| {}), Vec::<&str>::new());
    let key = facts.history.accepted.keys().next().unwrap().clone();
    let another = |facts: &mut Facts| {
        let lost = Accepted { order_id: ids::fresh(), ..facts.history.accepted[&key].clone() };
        facts.history.accepted.insert("lost".to_owned(), lost);
    };
    assert!(found(&another).contains(&"accepted-exists"));
    assert!(found(&|facts| facts.history.accepted.clear()).contains(&"nobody-placed-it"));
    let received = |facts: &mut Facts| *facts.history.received.get_mut(&pot.product_id).unwrap() += 1;
    assert!(found(&received).contains(&"stock-conserved"));
    assert!(found(&|facts| facts.provider.clear()).contains(&"shipped-unpaid"));
    assert!(found(&|facts| facts.carrier.clear()).contains(&"delivered-by-nobody"));
    assert!(
        found(&|facts| facts.whole.as_mut().unwrap().dashboard.as_mut().unwrap().orders.placed = 2)
            .contains(&"analytics-orders")
    );
}
