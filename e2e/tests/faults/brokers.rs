//! Kafka is away, and comes back.

use std::time::{Duration, Instant};

use e2e::shop::NewOrder;
use events::OrderStatus;

use crate::{
    opened, server,
    world::{all_sound, becomes, more_orders, under_load},
};

/// How long nobody starts it again. Sessions end meanwhile, and every client has given up its first attempts.
const OUTAGE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn while_the_broker_is_dead_orders_are_taken_and_when_it_is_back_they_are_delivered() {
    let (_system, shop) = opened().await;
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
    all_sound(&shop).await;
}

#[tokio::test]
async fn a_broker_that_restarts_in_good_order_disturbs_nobody() {
    let (_system, shop) = opened().await;
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
    all_sound(&shop).await;
}
