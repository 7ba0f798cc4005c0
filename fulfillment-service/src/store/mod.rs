//! The table, and the rows of it that a batch may touch.

pub mod shipment;

use saga::{Delivery, Workset};
use store::{Rows, StoreError, Tx};

use crate::inputs::Input;
pub use shipment::Model as Shipment;

/// What this service decides over.
#[derive(Debug, Default, Clone)]
pub struct Work {
    pub shipments: Rows<shipment::Entity>,
}

impl Workset<Input> for Work {
    async fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        let orders = batch.iter().map(|it| it.key);
        Ok(Self { shipments: Rows::lock(tx, orders.collect::<Vec<_>>()).await? })
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.shipments.save(tx).await
    }
}
