//! The tables, and the rows of them that a batch may change.

pub mod movement;
pub mod product;
pub mod reservation;

use store::Rows;

pub use movement::Model as Movement;
pub use product::Model as Product;
pub use reservation::Model as Reservation;

/// The workset: reservations, the stock of the products they name, and new lines of the stock book.
#[derive(Debug, Default, Clone)]
pub struct Stock {
    pub reservations: Rows<reservation::Entity>,
    pub products: Rows<product::Entity>,
    pub movements: Rows<movement::Entity>,
}
