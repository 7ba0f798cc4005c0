//! The tables, and the rows of them that a batch may touch.

pub mod movement;
pub mod product;
pub mod reservation;

use saga::{Delivery, Workset};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use store::{Rows, StoreError, Tx};
use uuid::Uuid;

use crate::inputs::Input;
pub use movement::Model as Movement;
pub use product::Model as Product;
pub use reservation::Model as Reservation;

/// What this service decides over: reservations, the stock of the products they are about, and new lines of the stock
/// book.
#[derive(Debug, Default, Clone)]
pub struct Stock {
    pub reservations: Rows<reservation::Entity>,
    pub products: Rows<product::Entity>,
    pub movements: Rows<movement::Entity>,
}

impl Workset<Input> for Stock {
    async fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        let about_orders = batch.iter().filter(|it| it.input.product().is_none());
        let orders = about_orders.map(|it| it.key);
        let reservations = Rows::<reservation::Entity>::lock(tx, orders.collect::<Vec<_>>()).await?;
        let held = reservations.iter().flat_map(|reservation| reservation.lines.iter()).map(|line| line.product_id);
        let named = batch.iter().flat_map(|it| it.input.products());
        let products = held.chain(named).chain(same_sku(tx, batch).await?).collect::<Vec<_>>();
        Ok(Self { reservations, products: Rows::lock(tx, products).await?, movements: Rows::default() })
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.reservations.save(tx).await?;
        self.products.save(tx).await?;
        self.movements.save(tx).await
    }
}

/// Products that already have a SKU that a command of the batch gives to a product.
async fn same_sku(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Vec<Uuid>, StoreError> {
    let wanted: Vec<&str> = batch.iter().filter_map(|it| it.input.sku()).collect();
    if wanted.is_empty() {
        return Ok(vec![]);
    }
    let products = tx.all(product::Entity::find().filter(product::Column::Sku.is_in(wanted))).await?;
    Ok(products.into_iter().map(|product| product.id).collect())
}

impl Input {
    /// The product a command is about.
    fn product(&self) -> Option<Uuid> {
        match self {
            Self::PutProduct(command) => Some(command.product_id),
            Self::AdjustStock(command) => Some(command.product_id),
            _ => None,
        }
    }

    /// The products it names itself.
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
