//! The promises hold while processes, brokers and databases fail:
//!
//! ```sh
//! compose/with kafka postgres -- cargo test -p e2e --test faults -- --test-threads=1
//! ```
//!
//! The tests run one after another, because they stop servers that all share. A shop places orders
//! all the time and repeats unanswered requests. Each test ends with the checker.

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

/// Starts a system of several processes. Returns it with a shop on it.
async fn start() -> (System, Shop) {
    assert!(Stage::given().is_some(), "run it by `compose/with kafka postgres -- …`: see the top of this file");
    let system = world::system(&[]).await;
    let shop = world::at(&system);
    (system, shop)
}

/// A server that this suite runs on.
fn server(name: &'static str) -> Server {
    Server::given(name).expect("`compose/with` names it")
}
