//! The tables, and the rows of them that a batch may change.

pub mod details;
pub mod order;
pub mod product;
mod wire;

use store::Rows;

pub use details::Model as OrderDetails;
pub use order::{Model as Order, OrderSummary};
pub use product::Model as Product;
pub use wire::Wire;

/// The workset: orders, what was ordered, and the products that new orders are checked against.
#[derive(Debug, Default, Clone)]
pub struct Orders {
    pub orders: Rows<order::Entity>,
    pub details: Rows<details::Entity>,
    pub products: Rows<product::Entity>,
}
