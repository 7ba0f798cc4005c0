//! The rules. Pure: no async, database, clock or random numbers.

mod events;
mod product;
mod reservation;

pub use events::{Item, OrderCreated, ReservationDue};
pub use product::{AdjustStock, AdjustmentReason, MovementKind, ProductView, PutProduct, StockRefusal};
pub use reservation::{Line, State};
