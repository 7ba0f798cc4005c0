//! The outbox: events are stored by the transaction that decides them, and published by the relay afterwards.

mod channel;
pub(crate) mod lease;
mod relay;
mod shared;

use bus::{Outgoing, codec};
use chrono::{DateTime, Utc};
use store::{Number, StoreError, Tx};

pub(crate) use self::{
    channel::{Pending, RelayState, Row, Sender},
    relay::Relay,
};
use crate::tables::outbox;

/// A row that is inserted and not committed yet.
pub(crate) struct Inserted {
    id: Number,
    messages: Vec<Outgoing>,
}

impl Inserted {
    /// Once the transaction is committed, the row has its number.
    pub fn committed(self) -> Row {
        Row { id: self.id.get(), messages: self.messages }
    }
}

/// Inserts the events of a transaction as one row.
pub(crate) async fn insert(
    tx: &Tx,
    at: DateTime<Utc>,
    messages: Vec<Outgoing>,
) -> Result<Option<Inserted>, StoreError> {
    if messages.is_empty() {
        return Ok(None);
    }
    let row = outbox::ActiveModel {
        id: sea_orm::NotSet,
        shard: sea_orm::Set(0),
        at: sea_orm::Set(at),
        messages: sea_orm::Set(i32::try_from(messages.len()).unwrap_or(i32::MAX)),
        records: sea_orm::Set(codec::encode_all(&messages)),
    };
    Ok(Some(Inserted { id: tx.insert_numbered::<outbox::Entity>(row).await?, messages }))
}
