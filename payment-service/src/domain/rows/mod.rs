//! The table, and the rows of it that a batch may change.

pub mod payment;

use store::Rows;

pub use payment::Model as Payment;

/// The workset: the payments of the orders in the batch.
#[derive(Debug, Default, Clone)]
pub struct Payments {
    pub rows: Rows<payment::Entity>,
}
