//! Kafka is away, and comes back.

use std::time::{Duration, Instant};

use e2e::{check::CheckError, shop::NewOrder};
use events::OrderStatus;

use crate::{
    opened, server,
    world::{all_checked, all_sound, becomes, more_orders, under_load},
};

/// How long nobody starts it again. Sessions end meanwhile, and every client has given up its first attempts.
const OUTAGE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn while_the_broker_is_dead_orders_are_taken_and_when_it_is_back_they_are_delivered() {
    let (system, shop) = opened().await;
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
    all_sound(&system, &shop).await;
}

#[tokio::test]
async fn a_broker_that_restarts_in_good_order_disturbs_nobody() {
    let (system, shop) = opened().await;
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
    all_sound(&system, &shop).await;
}

/// The checker asks the inventory process for what it has not published: no order waits for it.
#[tokio::test]
async fn what_cannot_be_published_is_found_until_it_is() {
    let (system, shop) = opened().await;
    let product = shop.product("20.00", 0).await.unwrap();
    all_sound(&system, &shop).await;
    server("kafka").kill().await;
    shop.stock(product.product_id, 5).await.unwrap(); // available again, which is published
    let judged = all_checked(&shop, &system.addresses()).await;
    server("kafka").start().await;
    let violations = match judged {
        Err(CheckError::Broken(violations)) => violations,
        other => panic!("{other:?}"),
    };
    let found: Vec<_> = violations.iter().map(|it| (it.rule, it.detail.as_str())).collect();
    assert_eq!(found, [("outbox-empty", "1 messages of inventory are not on the bus")]);
    all_sound(&system, &shop).await;
}
