use std::fmt;

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::{Channel, State};

/// A message. Its key deduplicates: there is one per order, event and channel.
#[derive(Clone, PartialEq, Serialize, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    /// `CustomerNotification::event`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel: Channel,
    /// Rises with time.
    pub id: Uuid,
    pub status: State,
    pub recipient: String,
    pub subject: Option<String>,
    pub body: String,
    /// Sum over all requests to send it.
    pub attempts: i32,
    /// How often it was sent again on request.
    pub resends: i32,
    pub created_at: DateTimeUtc,
    pub sent_at: Option<DateTimeUtc>,
}

/// Prints nothing personal.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, order_id, event, channel, status, attempts, resends, created_at, sent_at, .. } = self;
        write!(f, "Notification({id}: {event} of {order_id} by {channel:?}, {created_at}, {status:?} {sent_at:?}, ")?;
        write!(f, "{attempts} attempts, {resends} resends)")
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
