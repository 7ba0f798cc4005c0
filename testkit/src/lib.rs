#![doc = include_str!("../README.md")]

pub mod fixture;
pub mod node;
pub mod proofs;
pub mod sim;

pub use fixture::{Fixture, eventually};
pub use node::{Ended, Node};
