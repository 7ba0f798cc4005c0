//! The rules, one file per promise. The comment on each function names the consequence of a
//! violation.

pub mod agreement;
pub mod analytics;
pub mod leftovers;
pub mod messages;
pub mod money;
pub mod orders;
pub mod shipping;
pub mod stock;
