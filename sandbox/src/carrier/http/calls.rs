//! Calls over HTTP. Delays, failures and missing answers are those of calls in the same process.

use axum::extract::State;
use web::{Caller, Json, Keyed, Path, Problem};

use super::{
    AppState,
    wire::{Answer, BookBody, CancelBody},
};
use crate::carrier::{Book, Cancel, Find};

/// Takes a parcel, once per key.
#[utoipa::path(post, path = "/sandbox/carrier/bookings", tag = "sandbox", request_body = BookBody,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Answer),
              (status = 503, description = "`/problems/not-done`: nothing has happened. Any other problem: it may have.", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn book(
    _caller: Caller,
    State(AppState { carrier, .. }): State<AppState>,
    Keyed { key, body, .. }: Keyed<BookBody>,
) -> Result<Json<Answer>, Problem> {
    let BookBody { order_id, postal_code, country } = body;
    let (postal_code, country) = (postal_code.into(), country.into());
    let book = Book { key: key.into_string(), order_id, postal_code, country };
    Ok(Json(carrier.book(book).await?.into()))
}

/// What was answered to a booking, and where its parcel is.
#[utoipa::path(get, path = "/sandbox/carrier/bookings/{key}", tag = "sandbox", params(("key" = String, Path)),
    responses((status = 200, body = Answer),
              (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn find(
    _caller: Caller,
    State(AppState { carrier, .. }): State<AppState>,
    Path(key): Path<String>,
) -> Result<Json<Answer>, Problem> {
    Ok(Json(carrier.find(Find { key }).await?.into()))
}

/// Leaves a parcel where it is, unless it was picked up.
#[utoipa::path(post, path = "/sandbox/carrier/cancellations", tag = "sandbox", request_body = CancelBody,
    responses((status = 200, body = Answer),
              (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn cancel(
    _caller: Caller,
    State(AppState { carrier, .. }): State<AppState>,
    Json(CancelBody { key }): Json<CancelBody>,
) -> Result<Json<Answer>, Problem> {
    Ok(Json(carrier.cancel(Cancel { key }).await?.into()))
}
