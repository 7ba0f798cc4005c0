//! The promises of Uzon, tested from outside on a real process: each test is named after a promise.
//!
//! Scenarios that do not affect each other share a process (see [`world`]). Those that stop or kill
//! it, or change the behaviour of provider or carrier, start their own. Scenarios wait for
//! conditions with a time limit, not for fixed times. Each scenario ends with the checker, which
//! compares the shop's history with every service and with the ledgers of provider and carrier.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]
#![expect(clippy::inconsistent_digit_grouping, reason = "12_50 is 12.50 in hundredths")]

mod analytics;
mod buying;
mod cancelling;
mod leftovers;
mod notifications;
mod outages;
mod paying;
mod process;
mod refusals;
mod requests;
mod status_stream;
mod world;
