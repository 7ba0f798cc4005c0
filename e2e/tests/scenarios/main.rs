//! What Uzon promises, proved from outside on a real process: each test is named after a promise.
//!
//! Scenarios that do not disturb each other share a process (see [`world`]); those that stop it, kill it or make the outside
//! world misbehave have one of their own. Nothing sleeps in order to wait: every wait asks for a condition, with a bound.
//! Each scenario ends with the checker, which holds what the shop was promised against what every service, the provider and the
//! carrier say.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]
#![expect(clippy::inconsistent_digit_grouping, reason = "12_50 is 12.50 in hundredths")]

mod asking;
mod buying;
mod cancelling;
mod counting;
mod enduring;
mod leftovers;
mod paying;
mod process;
mod refusals;
mod telling;
mod watching;
mod world;
