//! What must always be so. Each file is one promise; each function says what it would mean if it were broken.

pub mod agreement;
pub mod analytics;
pub mod leftovers;
pub mod messages;
pub mod money;
pub mod orders;
pub mod shipping;
pub mod stock;
