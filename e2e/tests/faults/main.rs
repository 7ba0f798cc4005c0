//! What is promised holds while processes, brokers and databases die:
//!
//! ```sh
//! compose/with kafka postgres -- cargo test -p e2e --test faults -- --test-threads=1
//! ```
//!
//! One after another, for they disturb the servers that all share. Orders come in all the time, by a shop that asks again
//! until it is answered; each ends with the checker.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod brokers;
mod databases;
mod processes;
#[expect(dead_code, reason = "scenarios use the rest")]
#[path = "../scenarios/world.rs"]
mod world;

use e2e::{
    shop::Shop,
    system::{Server, Stage, System},
};

/// A system of processes of its own, and a shop at it.
async fn opened() -> (System, Shop) {
    assert!(Stage::given().is_some(), "run me by `compose/with kafka postgres -- …`: see the top of this file");
    let system = world::system(&[]).await;
    let shop = world::at(&system);
    (system, shop)
}

/// The server of this name that this suite runs on.
fn server(name: &'static str) -> Server {
    Server::given(name).expect("told by `compose/with`")
}
