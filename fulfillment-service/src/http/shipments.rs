//! The shipment of an order.

use axum::extract::State;
use events::Timestamp;
use sea_orm::EntityTrait;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Json, Path, Problem};

use super::{ADMIN, AppState};
use crate::domain::{
    self,
    rows::{Shipment, shipment},
};

/// The shipment of an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Shipment)]
pub(super) struct Response {
    order_id: Uuid,
    status: Status,
    /// Known after the booking, like the next two fields.
    #[schema(example = "SHIP-7Q2M4K9R1C3D")]
    tracking_number: Option<String>,
    #[schema(example = "MockCarrier")]
    carrier: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    estimated_delivery: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ShipmentStatus)]
pub(super) enum Status {
    /// Not picked up yet.
    Pending,
    /// The carrier has the parcel.
    Shipped,
    /// The customer has the parcel.
    Delivered,
    /// The carrier refused the parcel.
    Failed,
    /// There is no parcel and there will be none.
    Cancelled,
}

/// The shipment of an order.
#[utoipa::path(get, path = "/api/fulfillment/orders/{id}", tag = "fulfillment",
    params(("id" = Uuid, Path, description = "The order's id.")),
    responses((status = 200, body = Response),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 404, description = "Not confirmed yet, unknown, or of another customer.", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn get(
    caller: Caller,
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
) -> Result<Json<Response>, Problem> {
    let found = shipment::Entity::find_by_id(id).one(state.app.db()).await.map_err(Problem::unavailable)?;
    let visible = found.filter(|shipment| match shipment.customer_id {
        Some(customer) => caller.may_see(customer, ADMIN),
        None => caller.may(ADMIN),
    });
    visible.map(|shipment| Json(shipment.into())).ok_or_else(Problem::not_found)
}

impl From<Shipment> for Response {
    fn from(shipment: Shipment) -> Self {
        Self {
            order_id: shipment.order_id,
            status: shipment.state.into(),
            tracking_number: shipment.tracking_number,
            carrier: shipment.carrier,
            estimated_delivery: shipment.estimated_delivery.map(Into::into),
            updated_at: shipment.updated_at.into(),
        }
    }
}

impl From<domain::State> for Status {
    fn from(state: domain::State) -> Self {
        match state {
            domain::State::Booking | domain::State::Unknown | domain::State::Booked | domain::State::Cancelling => {
                Self::Pending
            }
            domain::State::Shipped => Self::Shipped,
            domain::State::Delivered => Self::Delivered,
            domain::State::Cancelled => Self::Cancelled,
            domain::State::Failed => Self::Failed,
        }
    }
}
