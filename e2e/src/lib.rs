#![doc = include_str!("../README.md")]

pub mod check;
pub mod client;
pub mod eventually;
pub mod ids;
pub mod model;
pub mod process;
pub mod shop;
pub mod sse;
pub mod system;
