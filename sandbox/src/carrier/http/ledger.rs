//! What the carrier has done.

use axum::extract::State;
use events::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Page, PageQuery, Paged, Problem};

use super::AppState;
use crate::carrier::store::{Booking, Column, Entity};

/// One thing the carrier did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CarrierLedgerItem)]
pub(super) struct Item {
    /// The tracking number.
    reference: String,
    idempotency_key: String,
    order_id: Uuid,
    operation: Operation,
    /// A carrier moves no money: `null`.
    amount: Option<String>,
    /// `null`.
    currency: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = CarrierOperation)]
pub(super) enum Operation {
    Book,
    Cancel,
    PickUp,
    Deliver,
}

/// The carrier's ledger: what the outside world believes happened, booking by booking. `limit` counts bookings, of which
/// each has done one to three things; what was refused is not in it.
#[utoipa::path(get, path = "/sandbox/carrier/ledger", tag = "sandbox", params(PageQuery),
    responses((status = 200, body = Page<Item>),
              (status = 400, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(
    _caller: Caller,
    State(AppState { app, .. }): State<AppState>,
    Paged { page, .. }: Paged,
) -> Result<Page<Item>, Problem> {
    let mut bookings = Entity::find().filter(Column::Refused.is_null()).order_by_asc(Column::Key).limit(page.fetch());
    if let Some(after) = page.after::<String>()? {
        bookings = bookings.filter(Column::Key.gt(after));
    }
    let bookings = bookings.all(app.db()).await.map_err(Problem::unavailable)?;
    let bookings = Page::cut(bookings, &page, |booking| booking.key.clone());
    Ok(Page { items: bookings.items.into_iter().flat_map(items).collect(), next: bookings.next })
}

fn items(booking: Booking) -> impl Iterator<Item = Item> {
    let done = [
        (Operation::Book, Some(booking.booked_at)),
        (Operation::Cancel, booking.cancelled_at),
        (Operation::PickUp, booking.picked_up_at),
        (Operation::Deliver, booking.delivered_at),
    ];
    done.into_iter().filter_map(move |(operation, at)| {
        Some(Item {
            reference: booking.tracking_number.clone(),
            idempotency_key: booking.key.clone(),
            order_id: booking.order_id,
            operation,
            amount: None,
            currency: None,
            at: at?.into(),
        })
    })
}
