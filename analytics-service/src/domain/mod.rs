//! The figures, and how events contribute to them. Pure: no async, database, clock or random numbers.

pub mod events;
mod facts;
mod figures;
mod fold;
mod histogram;
mod overview;
pub mod rows;
mod sales;
mod window;

pub use facts::{End, Facts, Item, Millis, Placed};
pub use figures::{Counts, Figures, Revenue};
pub use histogram::Histogram;
pub use overview::{Overview, Point};
pub use rows::Work;
pub use sales::{SHARDS, Sales, Sold};
pub use window::{Bucket, Window};
