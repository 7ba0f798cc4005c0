use saga::Seen;
use sea_orm::entity::prelude::*;
use store::Json;

use crate::domain::{Parcel, State};

/// The shipment of an order, or a tombstone: the order will have no shipment.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "shipments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    pub shipment_id: Uuid,
    /// The order's customer; unknown for a tombstone.
    pub customer_id: Option<Uuid>,
    pub state: State,
    /// Id of the event that requested the cancellation.
    pub cancel_request: Option<Uuid>,
    /// Known after the booking, like the next two fields.
    pub carrier: Option<String>,
    pub tracking_number: Option<String>,
    pub estimated_delivery: Option<DateTimeUtc>,
    /// Stored only until the carrier has answered the booking.
    pub parcel: Option<Json<Parcel>>,
    /// The carrier's text for a refused parcel.
    pub reason: Option<String>,
    /// The number of events published for the order on `shipping-updates`.
    pub sequence: i64,
    /// The events that are decided.
    #[sea_orm(nullable)]
    pub seen: Seen,
    pub updated_at: DateTimeUtc,
    /// Trace of the order, as `traceparent`: carrier updates continue it.
    pub trace: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
