//! The same promises, kept by a process for each service on Kafka and PostgreSQL:
//!
//! ```sh
//! compose/with kafka postgres -- cargo test -p e2e --test distributed
//! ```
//!
//! What is about `uzon dev` itself is left out: its start, its end, and clocks that only a system of one's own can be given.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]
#![expect(clippy::inconsistent_digit_grouping, reason = "12_50 is 12.50 in hundredths")]

mod asked;
#[path = "../scenarios/asking.rs"]
mod asking;
#[path = "../scenarios/buying.rs"]
mod buying;
#[path = "../scenarios/cancelling.rs"]
mod cancelling;
#[path = "../scenarios/counting.rs"]
mod counting;
#[path = "../scenarios/enduring.rs"]
mod enduring;
#[path = "../scenarios/leftovers.rs"]
mod leftovers;
#[path = "../scenarios/paying.rs"]
mod paying;
#[path = "../scenarios/refusals.rs"]
mod refusals;
#[path = "../scenarios/telling.rs"]
mod telling;
#[path = "../scenarios/watching.rs"]
mod watching;
#[expect(dead_code, reason = "scenarios of one process use the rest")]
#[path = "../scenarios/world.rs"]
mod world;

/// Without them everything here would run as `uzon dev` and prove nothing new.
#[test]
fn the_servers_are_real() {
    let stage = e2e::system::Stage::given();
    assert!(stage.is_some(), "run me by `compose/with kafka postgres -- cargo test -p e2e --test distributed`");
}
