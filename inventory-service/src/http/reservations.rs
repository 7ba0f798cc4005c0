use axum::extract::State;
use events::Timestamp;
use saga::App;
use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{Caller, Page, Problem, Query};

use super::READ;
use crate::domain::{
    State as Status,
    rows::{Reservation, reservation},
};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Filter {
    /// Whose reservations.
    order_id: Uuid,
}

/// What is kept of one product for an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reservation)]
pub struct ReservationView {
    reservation_id: Uuid,
    order_id: Uuid,
    product_id: Uuid,
    quantity: u32,
    status: Status,
    /// When it is reported as expired; `null` once it is confirmed or has ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// The reservations of an order, one for each of its items; none when nothing could be reserved.
#[utoipa::path(get, path = "/api/v1/reservations", tag = "Inventory", params(Filter),
    responses((status = 200, body = Page<ReservationView>)))]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Query(filter): Query<Filter>,
) -> Result<Page<ReservationView>, Problem> {
    caller.require(READ)?;
    let row = reservation::Entity::find_by_id(filter.order_id).one(app.db()).await.map_err(Problem::unavailable)?;
    Ok(Page::complete(row.map(Reservation::views).unwrap_or_default()))
}

impl Reservation {
    fn views(self) -> Vec<ReservationView> {
        let view = |line: &crate::domain::Line| ReservationView {
            reservation_id: line.reservation_id,
            order_id: self.order_id,
            product_id: line.product_id,
            quantity: line.quantity,
            status: self.state,
            expires_at: self.expires_at.map(Into::into),
        };
        self.lines.iter().map(view).collect()
    }
}
