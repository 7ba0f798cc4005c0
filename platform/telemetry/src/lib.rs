#![doc = include_str!("../README.md")]

mod error_text;
pub mod logging;
pub mod metrics;
mod trace;

pub use error_text::{error_chain, panic_message};
pub use trace::Trace;
