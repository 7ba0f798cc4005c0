//! The whole saga without a runtime: the real decisions of every service on a log in memory, with
//! the real rules of the sandbox's provider and carrier.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod controls;
mod interleavings;
mod invariants;
mod model;
mod proofs;
mod simulation;
mod system;
