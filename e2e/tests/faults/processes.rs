//! Processes that die, stand still, or are many.

use e2e::shop::NewOrder;
use events::OrderStatus;
use rustix::process::Signal;

use crate::{
    opened, server,
    world::{all_sound, becomes, more_orders, under_load},
};

const SERVICES: [&str; 7] = ["order", "inventory", "payment", "fulfillment", "notification", "analytics", "sandbox"];

#[tokio::test]
async fn each_service_is_killed_under_load_and_nothing_is_lost_nor_done_twice() {
    let (system, shop) = opened().await;
    let product = shop.product("20.00", 1_000_000).await.unwrap();
    under_load(&shop, &product, async {
        for service in SERVICES {
            more_orders(&shop, 20).await;
            system.of(service).kill().await.unwrap();
            system.of(service).start().await.unwrap();
        }
        more_orders(&shop, 20).await;
    })
    .await;
    all_sound(&system, &shop).await;
}

#[tokio::test]
async fn two_of_each_share_the_work_while_members_come_and_go_and_partitions_are_added() {
    let (mut system, shop) = opened().await;
    let product = shop.product("20.00", 1_000_000).await.unwrap();
    let first = system.processes.len();
    for service in SERVICES.into_iter().filter(|service| *service != "sandbox") {
        system.add(service).await.unwrap();
    }
    under_load(&shop, &product, async {
        more_orders(&shop, 40).await;
        system.ask(&["topics", "apply"], &["topics.partitions=4"]).await.unwrap();
        for added in &system.processes[first..] {
            more_orders(&shop, 10).await;
            added.kill().await.unwrap();
        }
        more_orders(&shop, 20).await;
        for added in &system.processes[first..] {
            added.start().await.unwrap();
        }
        more_orders(&shop, 20).await;
    })
    .await;
    all_sound(&system, &shop).await;
}

/// As when a group has expired, or an operator has slipped: all that was ever said is heard again.
#[tokio::test]
async fn whoever_begins_again_with_the_oldest_record_does_nothing_a_second_time() {
    let (system, shop) = opened().await;
    let product = shop.product("20.00", 1_000_000).await.unwrap();
    under_load(&shop, &product, async {
        for service in SERVICES.into_iter().filter(|service| *service != "sandbox") {
            more_orders(&shop, 20).await;
            system.of(service).terminate().await.unwrap();
            server("kafka").rewind(&system.group(service)).await;
            system.of(service).start().await.unwrap();
        }
        more_orders(&shop, 20).await;
    })
    .await;
    all_sound(&system, &shop).await;
}

/// It holds its partitions for as long as its session lasts, then another has them; awake again it must not go on with what
/// is somebody else's.
#[tokio::test]
async fn a_process_that_stands_still_is_replaced_and_does_no_harm_when_it_wakes() {
    let (mut system, shop) = opened().await;
    let product = shop.product("20.00", 1_000_000).await.unwrap();
    for service in ["inventory", "payment"] {
        system.add(service).await.unwrap();
    }
    under_load(&shop, &product, async {
        more_orders(&shop, 20).await;
        for service in ["inventory", "payment"] {
            system.of(service).signal(Signal::STOP).unwrap();
        }
        // Payments and reservations cannot be asked of those who sleep: the order tells.
        let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
        let path = format!("/api/v1/orders/{order}/status");
        e2e::eventually::eventually("an order is paid for by the others", async || {
            let status: e2e::model::StatusView = shop.client.get(&path).await.map_err(|error| error.to_string())?;
            if matches!(status.status, OrderStatus::Pending | OrderStatus::Reserved) {
                return Err(format!("{:?}", status.status));
            }
            Ok(())
        })
        .await;
        for service in ["inventory", "payment"] {
            system.of(service).signal(Signal::CONT).unwrap();
        }
        becomes(&shop, order, OrderStatus::Delivered).await;
    })
    .await;
    all_sound(&system, &shop).await;
}
