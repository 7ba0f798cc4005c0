//! platform
pub mod clock;
pub mod config;
pub mod http;
pub mod trace;
