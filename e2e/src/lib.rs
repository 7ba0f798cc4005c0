//! Uzon from outside: everything here sees only what a customer, a shop or an operator can see, over HTTP and through
//! the signals any process gets.
//!
//! - [`client`], [`model`]: the public API, lean enough to generate load.
//! - [`system`]: a `uzon dev` of one's own, to start, kill and start again.
//! - [`shop`]: a shop that remembers everything it did, so that it can be held against what became of it.
//! - [`check`]: the checker, which finds what must never be: an order lost, charged twice, oversold, left behind.
//!
//! `tests/scenarios` uses them to prove each promise, `src/bin/load.rs` to measure, and both end with the checker.

pub mod check;
pub mod client;
pub mod eventually;
pub mod ids;
pub mod model;
pub mod process;
pub mod shop;
pub mod sse;
pub mod system;
