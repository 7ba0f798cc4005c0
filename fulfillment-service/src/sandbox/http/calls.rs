//! Calls from a shop in another process. They go as those in the same process do: late, not at all, or with a failure, as
//! the carrier's behaviour wants it.

use axum::extract::State;
use platform::http::{Caller, Json, Keyed, Path, Problem};

use super::Office;
use crate::{
    effects::Carrier,
    sandbox::{
        booking::Book,
        wire::{Answer, BookBody, CancelBody},
    },
};

/// Takes a parcel, once per key.
#[utoipa::path(post, path = "/sandbox/carrier/bookings", tag = "sandbox", request_body = BookBody,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Answer),
              (status = 503, description = "`/problems/not-done`: nothing has happened. Any other problem: it may have.", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn book(
    _caller: Caller,
    State(office): State<Office>,
    Keyed { key, body, .. }: Keyed<BookBody>,
) -> Result<Json<Answer>, Problem> {
    let BookBody { order_id, postal_code, country } = body;
    let (postal_code, country) = (postal_code.into(), country.into());
    let book = Book { key: key.into_string(), order_id, postal_code, country };
    Ok(Json(office.sandbox.adapter().booked(book).await?.into()))
}

/// What was answered to a booking, and where its parcel is.
#[utoipa::path(get, path = "/sandbox/carrier/bookings/{key}", tag = "sandbox", params(("key" = String, Path)),
    responses((status = 200, body = Answer),
              (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn find(
    _caller: Caller,
    State(office): State<Office>,
    Path(key): Path<String>,
) -> Result<Json<Answer>, Problem> {
    Ok(Json(office.sandbox.adapter().known(&key).await?.into()))
}

/// Leaves a parcel where it is, unless it was picked up.
#[utoipa::path(post, path = "/sandbox/carrier/cancellations", tag = "sandbox", request_body = CancelBody,
    responses((status = 200, body = Answer),
              (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn cancel(
    _caller: Caller,
    State(office): State<Office>,
    Json(CancelBody { key }): Json<CancelBody>,
) -> Result<Json<Answer>, Problem> {
    Ok(Json(office.sandbox.adapter().cancel(&key).await?.into()))
}
