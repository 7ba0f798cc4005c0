//! The rules. Pure: no async, database, clock or random numbers.

mod events;
mod expected;
mod product;
mod reservation;
pub mod rows;
mod rules;

pub use events::{Item, OrderCreated, ReservationDue};
pub use expected::ExpectedVersion;
pub use product::{AdjustStock, AdjustmentReason, MovementKind, ProductView, PutProduct, StockRefusal};
pub use reservation::{Line, State};
pub use rows::Stock;
pub use rules::StockRules;
