//! Loads and saves the rows that a batch may change.

use saga::{Delivery, Seen, Workset};
use store::{Rows, StoreError, Tx};
use uuid::Uuid;

use crate::{domain::Work, inputs::Input};

impl Workset<Input> for Work {
    async fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        let orders = batch.iter().map(|it| it.key);
        Ok(Self { shipments: Rows::lock(tx, orders.collect::<Vec<_>>()).await? })
    }

    fn seen(&mut self, key: Uuid) -> Option<&mut Seen> {
        Some(&mut self.shipments.loaded_mut(&key)?.seen)
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.shipments.save(tx).await
    }
}
