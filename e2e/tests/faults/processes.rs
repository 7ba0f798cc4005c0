//! Processes that crash, hang, or run several times.

use e2e::shop::NewOrder;
use events::OrderStatus;
use rustix::process::Signal;

use crate::{
    server, start,
    world::{becomes, check_all, more_orders, under_load},
};

const SERVICES: [&str; 7] = ["order", "inventory", "payment", "fulfillment", "notification", "analytics", "sandbox"];

#[tokio::test]
async fn each_service_killed_under_load_loses_and_repeats_nothing() {
    let (system, shop) = start().await;
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
    check_all(&system, &shop).await;
}

#[tokio::test]
async fn two_processes_per_service_share_the_work_while_members_and_partitions_change() {
    let (mut system, shop) = start().await;
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
    check_all(&system, &shop).await;
}

/// As after the expiry of a group or a mistake of an operator: every record is consumed again.
#[tokio::test]
async fn a_group_reset_to_the_oldest_record_repeats_nothing() {
    let (system, shop) = start().await;
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
    check_all(&system, &shop).await;
}

/// Another process gets the partitions when the session of the hung process expires. The hung
/// process must not continue with them after it resumes.
#[tokio::test]
async fn a_hung_process_is_replaced_and_does_no_harm_when_it_resumes() {
    let (mut system, shop) = start().await;
    let product = shop.product("20.00", 1_000_000).await.unwrap();
    for service in ["inventory", "payment"] {
        system.add(service).await.unwrap();
    }
    under_load(&shop, &product, async {
        more_orders(&shop, 20).await;
        for service in ["inventory", "payment"] {
            system.of(service).signal(Signal::STOP).unwrap();
        }
        // The hung processes cannot serve payments and reservations: reads the order instead.
        let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
        let path = format!("/api/v1/orders/{order}/status");
        e2e::eventually::eventually("another process has the order paid", async || {
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
    check_all(&system, &shop).await;
}
