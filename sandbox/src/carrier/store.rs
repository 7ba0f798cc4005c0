//! The carrier's bookings.

use saga::{Delivery, Seen, Workset};
use sea_orm::entity::prelude::*;
use store::{Rows, StoreError, Tx};

use super::participant::Input;

pub use Model as Booking;

/// A booking: what was answered, and when what happened to it.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "bookings")]
pub struct Model {
    /// The shop's key for it: one booking, however often it is asked for.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// The shop's reference.
    pub order_id: Uuid,
    pub tracking_number: String,
    /// Why it was refused, if it was.
    pub refused: Option<String>,
    pub estimated_delivery: DateTimeUtc,
    pub booked_at: DateTimeUtc,
    pub cancelled_at: Option<DateTimeUtc>,
    pub picked_up_at: Option<DateTimeUtc>,
    pub delivered_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The carrier's workset.
#[derive(Debug, Default, Clone)]
pub struct Work {
    pub bookings: Rows<Entity>,
}

impl Workset<Input> for Work {
    async fn load(tx: &Tx, batch: &[&Delivery<Input>]) -> Result<Self, StoreError> {
        let keys = batch.iter().map(|it| it.input.booking().to_owned());
        Ok(Self { bookings: Rows::lock(tx, keys.collect::<Vec<_>>()).await? })
    }

    /// It receives no events.
    fn seen(&mut self, _: Uuid) -> Option<&mut Seen> {
        None
    }

    async fn save(self, tx: &Tx) -> Result<(), StoreError> {
        self.bookings.save(tx).await
    }
}
