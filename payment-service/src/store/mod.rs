//! The table, and the rows of it that a batch may touch.

pub mod payment;

use saga::{Delivery, Seen, Workset};
use store::{Rows, StoreError, Tx};
use uuid::Uuid;

use crate::inputs::Input;
pub use payment::Model as Payment;

/// What this service decides over.
#[derive(Debug, Default, Clone)]
pub struct Payments {
    pub rows: Rows<payment::Entity>,
}

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
