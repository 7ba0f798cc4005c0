//! platform
pub mod clock;
pub mod http;
pub mod trace;
