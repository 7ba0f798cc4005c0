//! What is promised holds while processes, brokers and databases die:
//!
//! ```sh
//! compose/native/with kafka postgres -- cargo test -p e2e --test faults -- --test-threads=1
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

use std::{path::PathBuf, process::Command};

use e2e::{
    shop::Shop,
    system::{Stage, System},
};

/// A system of processes of its own, and a shop at it.
async fn opened() -> (System, Shop) {
    assert!(Stage::given().is_some(), "run me by `compose/native/with kafka postgres -- …`: see the top of this file");
    let system = world::system(&[]).await;
    let shop = world::at(&system);
    (system, shop)
}

/// Has `compose/native/<server>` do something to the server that this suite runs on.
async fn server(server: &'static str, action: &'static str) {
    server_with(server, action, Vec::new()).await;
}

async fn server_with(server: &'static str, action: &'static str, arguments: Vec<String>) {
    let script = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../compose/native")).join(server);
    let folder = Stage::folder(server).expect("told by `compose/native/with`");
    let done =
        tokio::task::spawn_blocking(move || Command::new(script).arg(action).arg(folder).args(arguments).output());
    let done = done.await.unwrap().unwrap();
    assert!(done.status.success(), "{server} {action}: {}", String::from_utf8_lossy(&done.stderr));
}
