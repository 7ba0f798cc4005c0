//! The same scenarios with one process per service on Kafka and PostgreSQL:
//!
//! ```sh
//! compose/with kafka postgres -- cargo test -p e2e --test distributed
//! ```
//!
//! Scenarios about `uzon dev` itself are left out.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]
#![expect(clippy::inconsistent_digit_grouping, reason = "12_50 is 12.50 in hundredths")]

#[path = "../scenarios/analytics.rs"]
mod analytics;
#[path = "../scenarios/buying.rs"]
mod buying;
#[path = "../scenarios/cancelling.rs"]
mod cancelling;
#[path = "../scenarios/leftovers.rs"]
mod leftovers;
#[path = "../scenarios/notifications.rs"]
mod notifications;
#[path = "../scenarios/outages.rs"]
mod outages;
#[path = "../scenarios/paying.rs"]
mod paying;
mod process_addresses;
#[path = "../scenarios/refusals.rs"]
mod refusals;
#[path = "../scenarios/requests.rs"]
mod requests;
#[path = "../scenarios/status_stream.rs"]
mod status_stream;
#[expect(dead_code, reason = "scenarios of one process use the rest")]
#[path = "../scenarios/world.rs"]
mod world;

/// Without real servers the scenarios would run on `uzon dev` again.
#[test]
fn the_servers_are_real() {
    let stage = e2e::system::Stage::given();
    assert!(stage.is_some(), "run it by `compose/with kafka postgres -- cargo test -p e2e --test distributed`");
}
