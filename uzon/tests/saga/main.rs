//! The whole saga without a runtime: every service's real decisions, on a log in memory, with the sandbox provider's and
//! carrier's real rules outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod controls;
mod interleavings;
mod invariants;
mod model;
mod proofs;
mod simulation;
mod system;
