//! The tables, and the rows of them that a batch may change.

pub mod figures;
pub mod order;
pub mod product;
pub mod sales;

use store::Rows;

/// The workset: facts of orders, names of products, and the figures and sales of the buckets that they contribute to.
#[derive(Debug, Default, Clone)]
pub struct Work {
    pub orders: Rows<order::Entity>,
    pub products: Rows<product::Entity>,
    pub figures: Rows<figures::Entity>,
    pub sales: Rows<sales::Entity>,
}
