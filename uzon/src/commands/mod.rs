//! The commands, one file each.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod migrate;
pub(crate) mod order;
pub(crate) mod products;
pub(crate) mod serve;
pub(crate) mod topics;
