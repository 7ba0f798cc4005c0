//! Loads and saves the rows that a batch may change.

use saga::{Delivery, Seen, Workset};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use store::{Rows, StoreError, Tx};
use uuid::Uuid;

use crate::{
    domain::rows::{Stock, product, reservation},
    inputs::Input,
};

impl Workset<Input> for Stock {
    async fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        let of_orders = batch.iter().filter(|it| it.input.product().is_none());
        let orders = of_orders.map(|it| it.key);
        let reservations = Rows::<reservation::Entity>::lock(tx, orders.collect::<Vec<_>>()).await?;
        let held = reservations.iter().flat_map(|reservation| reservation.lines.iter()).map(|line| line.product_id);
        let named = batch.iter().flat_map(|it| it.input.products());
        let products = held.chain(named).chain(same_sku(tx, batch).await?).collect::<Vec<_>>();
        Ok(Self { reservations, products: Rows::lock(tx, products).await?, movements: Rows::default() })
    }

    fn seen(&mut self, key: Uuid) -> Option<&mut Seen> {
        Some(&mut self.reservations.loaded_mut(&key)?.seen)
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.reservations.save(tx).await?;
        self.products.save(tx).await?;
        self.movements.save(tx).await
    }
}

/// The products that hold a SKU which a command of the batch requests.
async fn same_sku(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Vec<Uuid>, StoreError> {
    let wanted: Vec<&str> = batch.iter().filter_map(|it| it.input.sku()).collect();
    if wanted.is_empty() {
        return Ok(vec![]);
    }
    let products = tx.all(product::Entity::find().filter(product::Column::Sku.is_in(wanted))).await?;
    Ok(products.into_iter().map(|product| product.id).collect())
}

impl Input {
    /// The product that a command changes.
    fn product(&self) -> Option<Uuid> {
        match self {
            Self::PutProduct(command) => Some(command.product_id),
            Self::AdjustStock(command) => Some(command.product_id),
            _ => None,
        }
    }

    /// The products that the input names.
    fn products(&self) -> Vec<Uuid> {
        match self {
            Self::OrderCreated(order) => order.items.iter().map(|item| item.product_id).collect(),
            other => other.product().into_iter().collect(),
        }
    }

    fn sku(&self) -> Option<&str> {
        match self {
            Self::PutProduct(command) => Some(&command.sku),
            _ => None,
        }
    }
}
