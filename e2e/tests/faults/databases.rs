//! PostgreSQL is away, cuts connections, or makes wait.

use e2e::system::Stage;

use crate::{
    opened, server,
    world::{all_sound, more_orders, under_load},
};

#[tokio::test]
async fn a_database_that_is_killed_and_comes_back_has_lost_nothing() {
    let (system, shop) = opened().await;
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
    all_sound(&system, &shop).await;
}

#[tokio::test]
async fn connections_that_are_cut_are_made_anew() {
    let (system, shop) = opened().await;
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
    all_sound(&system, &shop).await;
}

#[tokio::test]
async fn a_table_that_somebody_locks_holds_up_and_no_more() {
    let (system, shop) = opened().await;
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
    all_sound(&system, &shop).await;
}

/// Has the server's own client say this.
async fn sql(database: &str, statement: &'static str) {
    let url = format!("{}/{database}", Stage::given().expect("seen when it was opened").databases);
    server("postgres").sql(&url, statement).await;
}
