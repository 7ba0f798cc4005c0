use saga::Seen;
use sea_orm::entity::prelude::*;
use store::Json;

use crate::domain::{Parcel, State};

/// An order's parcel, or the tombstone of one that never will be.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "shipments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    pub shipment_id: Uuid,
    /// Whose order it is; not known of a tombstone.
    pub customer_id: Option<Uuid>,
    pub state: State,
    /// Its cancellation was asked for: the id of the event that did.
    pub cancel_request: Option<Uuid>,
    /// Known once it is booked, like the next two.
    pub carrier: Option<String>,
    pub tracking_number: Option<String>,
    pub estimated_delivery: Option<DateTimeUtc>,
    /// Only until the carrier has answered.
    pub parcel: Option<Json<Parcel>>,
    /// The carrier's words when it refused.
    pub reason: Option<String>,
    /// The number of events published about it on `shipping-updates`.
    pub sequence: i64,
    /// The events that are decided.
    #[sea_orm(nullable)]
    pub seen: Seen,
    pub updated_at: DateTimeUtc,
    /// The trace of its order, as `traceparent`: carrier updates continue it.
    pub trace: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
