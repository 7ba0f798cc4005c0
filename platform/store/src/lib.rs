#![doc = include_str!("../README.md")]

pub mod bulk;
mod db;
mod engines;
mod error;
mod json;
mod model;
mod open;
mod rows;
pub mod schema;
mod tx;

pub use db::Db;
pub use error::StoreError;
pub use json::Json;
pub use open::OpenError;
pub use rows::{Key, Rows, Table};
pub use tx::{Number, Tx};
