//! Calls over HTTP. Delays, failures and missing answers are those of calls in the same process.

use axum::extract::State;
use web::{Caller, Json, Keyed, Path, Problem};

use super::{
    AppState,
    wire::{AboutBody, Answer, ChargeBody, RefundBody},
};
use crate::payment_provider::{Charge, Close, Query, Refund};

/// Takes the money, once per key.
#[utoipa::path(post, path = "/sandbox/payment-provider/charges", tag = "Sandbox", request_body = ChargeBody,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Answer),
              (status = 503, description = "`/problems/not-done`: nothing has happened. Any other problem: it may have.", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn charge(
    _: Caller,
    State(AppState { provider, .. }): State<AppState>,
    Keyed { key, body, .. }: Keyed<ChargeBody>,
) -> Result<Json<Answer>, Problem> {
    let ChargeBody { order_id, amount, currency, token } = body;
    let charge = Charge { key: key.into_string(), order_id, amount, currency, token };
    Ok(Json(provider.charge(charge).await?.into()))
}

/// What is known of the charge with this key?
#[utoipa::path(post, path = "/sandbox/payment-provider/charges/{key}/query", tag = "Sandbox", request_body = AboutBody,
    params(("key" = String, Path)),
    responses((status = 200, body = Answer),
              (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn query(
    _: Caller,
    State(AppState { provider, .. }): State<AppState>,
    Path(key): Path<String>,
    Json(AboutBody { order_id }): Json<AboutBody>,
) -> Result<Json<Answer>, Problem> {
    Ok(Json(provider.query(Query { key, order_id }).await?.into()))
}

/// From now on nothing is charged under this key.
#[utoipa::path(post, path = "/sandbox/payment-provider/charges/{key}/close", tag = "Sandbox", request_body = AboutBody,
    params(("key" = String, Path)),
    responses((status = 200, body = Answer),
              (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn close(
    _: Caller,
    State(AppState { provider, .. }): State<AppState>,
    Path(key): Path<String>,
    Json(AboutBody { order_id }): Json<AboutBody>,
) -> Result<Json<Answer>, Problem> {
    Ok(Json(provider.close(Close { key, order_id }).await?.into()))
}

/// Pays back, once per key.
#[utoipa::path(post, path = "/sandbox/payment-provider/refunds", tag = "Sandbox", request_body = RefundBody,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Answer),
              (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn refund(
    _: Caller,
    State(AppState { provider, .. }): State<AppState>,
    Keyed { key, body, .. }: Keyed<RefundBody>,
) -> Result<Json<Answer>, Problem> {
    let RefundBody { order_id, charge_key, amount } = body;
    Ok(Json(provider.refund(Refund { key: key.into_string(), order_id, charge_key, amount }).await?.into()))
}
