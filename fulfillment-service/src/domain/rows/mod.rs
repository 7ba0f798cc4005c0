//! The table, and the rows of it that a batch may change.

pub mod shipment;

use store::Rows;

pub use shipment::Model as Shipment;

/// The workset: the shipments of the batch's orders.
#[derive(Debug, Default, Clone)]
pub struct Work {
    pub shipments: Rows<shipment::Entity>,
}
