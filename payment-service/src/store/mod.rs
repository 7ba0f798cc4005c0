//! Loads and saves the rows that a batch may change.

use saga::{Delivery, Seen, Workset};
use store::{Rows, StoreError, Tx};
use uuid::Uuid;

use crate::{domain::Payments, inputs::Input};

impl Workset<Input> for Payments {
    async fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        let orders = batch.iter().map(|it| it.key);
        Ok(Self { rows: Rows::lock(tx, orders.collect::<Vec<_>>()).await? })
    }

    fn seen(&mut self, key: Uuid) -> Option<&mut Seen> {
        Some(&mut self.rows.loaded_mut(&key)?.seen)
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.rows.save(tx).await
    }
}
