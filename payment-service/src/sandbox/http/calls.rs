//! Calls from a payment service in another process. They go as those in the same process do: answered late, not at all, or
//! with a failure, as the token and the sandbox's behaviour want it.

use std::fmt::Display;

use axum::extract::State;
use platform::{
    Command,
    http::{Caller, Json, Keyed, Path, Problem},
};

use super::Desk;
use crate::sandbox::{
    room,
    wire::{AboutBody, Answer, ChargeBody, RefundBody},
};

impl Desk {
    async fn call<C: Command<Refusal: Display, Reply: Into<Answer>>>(
        &self,
        command: C,
    ) -> Result<Json<Answer>, Problem> {
        Ok(Json(self.sandbox.provider().call(command).await?.into()))
    }
}

/// Takes the money, once per key.
#[utoipa::path(post, path = "/sandbox/payment-provider/charges", tag = "Sandbox", request_body = ChargeBody,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Answer),
              (status = 503, description = "`/problems/not-done`: nothing has happened. Any other problem: it may have.", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn charge(
    _: Caller,
    State(desk): State<Desk>,
    Keyed { key, body, .. }: Keyed<ChargeBody>,
) -> Result<Json<Answer>, Problem> {
    let ChargeBody { order_id, amount, currency, token } = body;
    let charge = room::Charge { key: key.into_string(), order_id, amount, currency, token };
    Ok(Json(desk.sandbox.provider().charged(charge).await?.into()))
}

/// What is known of the charge with this key?
#[utoipa::path(post, path = "/sandbox/payment-provider/charges/{key}/query", tag = "Sandbox", request_body = AboutBody,
    params(("key" = String, Path)),
    responses((status = 200, body = Answer),
              (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn query(
    _: Caller,
    State(desk): State<Desk>,
    Path(key): Path<String>,
    Json(AboutBody { order_id }): Json<AboutBody>,
) -> Result<Json<Answer>, Problem> {
    desk.call(room::Query { key, order_id }).await
}

/// From now on nothing is charged under this key.
#[utoipa::path(post, path = "/sandbox/payment-provider/charges/{key}/close", tag = "Sandbox", request_body = AboutBody,
    params(("key" = String, Path)),
    responses((status = 200, body = Answer),
              (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn close(
    _: Caller,
    State(desk): State<Desk>,
    Path(key): Path<String>,
    Json(AboutBody { order_id }): Json<AboutBody>,
) -> Result<Json<Answer>, Problem> {
    desk.call(room::Close { key, order_id }).await
}

/// Pays back, once per key.
#[utoipa::path(post, path = "/sandbox/payment-provider/refunds", tag = "Sandbox", request_body = RefundBody,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Answer),
              (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn refund(
    _: Caller,
    State(desk): State<Desk>,
    Keyed { key, body, .. }: Keyed<RefundBody>,
) -> Result<Json<Answer>, Problem> {
    let RefundBody { order_id, charge_key, amount } = body;
    desk.call(room::Refund { key: key.into_string(), order_id, charge_key, amount }).await
}
