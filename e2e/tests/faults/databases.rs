//! Outages of PostgreSQL, closed connections, and locks.

use e2e::system::Stage;

use crate::{
    server, start,
    world::{check_all, more_orders, under_load},
};

#[tokio::test]
async fn a_killed_database_loses_nothing() {
    let (system, shop) = start().await;
    let product = shop.product("20.00", 1_000_000).await.unwrap();
    under_load(&shop, &product, async {
        for _ in 0..2 {
            more_orders(&shop, 20).await;
            server("postgres").kill().await;
            server("postgres").start().await;
        }
        more_orders(&shop, 20).await;
    })
    .await;
    check_all(&system, &shop).await;
}

#[tokio::test]
async fn closed_connections_are_replaced() {
    let (system, shop) = start().await;
    let product = shop.product("20.00", 1_000_000).await.unwrap();
    under_load(&shop, &product, async {
        for _ in 0..5 {
            more_orders(&shop, 20).await;
            sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = current_user")
                .await;
        }
        more_orders(&shop, 20).await;
    })
    .await;
    check_all(&system, &shop).await;
}

#[tokio::test]
async fn a_locked_table_only_delays_orders() {
    let (system, shop) = start().await;
    let product = shop.product("20.00", 1_000_000).await.unwrap();
    let database = |service| system.database(service).expect("a system with a server");
    under_load(&shop, &product, async {
        more_orders(&shop, 20).await;
        let lock = "BEGIN; LOCK TABLE payments; SELECT pg_sleep(3); COMMIT";
        sql(&database("payment"), lock).await;
        let lock = "BEGIN; SELECT * FROM products FOR UPDATE; SELECT pg_sleep(3); ROLLBACK";
        sql(&database("inventory"), lock).await;
        more_orders(&shop, 20).await;
    })
    .await;
    check_all(&system, &shop).await;
}

/// Runs a statement with `psql`.
async fn sql(database: &str, statement: &'static str) {
    let url = format!("{}/{database}", Stage::given().expect("`start` has checked it").databases);
    server("postgres").sql(&url, statement).await;
}
