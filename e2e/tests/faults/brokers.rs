//! Outages of Kafka.

use std::time::{Duration, Instant};

use e2e::{check::CheckError, shop::NewOrder};
use events::OrderStatus;

use crate::{
    server, start,
    world::{becomes, check_all, more_orders, run_check, under_load},
};

/// Length of an outage: sessions expire, and the first attempts of every client time out.
const OUTAGE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn orders_are_accepted_during_an_outage_of_the_broker_and_delivered_afterwards() {
    let (system, shop) = start().await;
    let product = shop.product("20.00", 1_000_000).await.unwrap();
    let order = under_load(&shop, &product, async {
        more_orders(&shop, 20).await;
        server("kafka").kill().await;
        let over = Instant::now() + OUTAGE;
        while Instant::now() < over {
            more_orders(&shop, 10).await;
        }
        let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
        server("kafka").start().await;
        order
    })
    .await;
    becomes(&shop, order, OrderStatus::Delivered).await;
    check_all(&system, &shop).await;
}

#[tokio::test]
async fn a_graceful_restart_of_the_broker_has_no_effect() {
    let (system, shop) = start().await;
    let product = shop.product("20.00", 1_000_000).await.unwrap();
    under_load(&shop, &product, async {
        for _ in 0..2 {
            more_orders(&shop, 20).await;
            server("kafka").stop().await;
            server("kafka").start().await;
        }
        more_orders(&shop, 20).await;
    })
    .await;
    check_all(&system, &shop).await;
}

/// The checker reads the unpublished messages from the inventory process: no order waits for them.
#[tokio::test]
async fn unpublished_messages_are_reported_until_published() {
    let (system, shop) = start().await;
    let product = shop.product("20.00", 0).await.unwrap();
    check_all(&system, &shop).await;
    server("kafka").kill().await;
    shop.stock(product.product_id, 5).await.unwrap(); // available again, which is published
    let judged = run_check(&shop, &system.addresses()).await;
    server("kafka").start().await;
    let violations = match judged {
        Err(CheckError::Broken(violations)) => violations,
        other => panic!("{other:?}"),
    };
    let found: Vec<_> = violations.iter().map(|it| (it.rule, it.detail.as_str())).collect();
    assert_eq!(found, [("outbox-empty", "1 messages of inventory are not on the bus")]);
    check_all(&system, &shop).await;
}
