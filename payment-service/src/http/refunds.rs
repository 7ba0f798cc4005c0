use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use events::Money;
use saga::{App, IdempotentRequest};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Checks, CommandReply, Keyed, Path, Problem, RequestTrace};

use super::{ADMIN, CANCEL_INSTEAD, REFUND_EXCEEDS_CHARGE};
use crate::domain::{RefundAccepted, RefundPayment, RefundRefusal};

/// The amount of a refund, and its reason.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundBody {
    #[schema(value_type = String, example = "29.95")]
    amount: Money,
    /// Sent to the customer.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Refunds a part of the charge, or all of it once the order is shipped. (Before that, cancel the order.)
#[utoipa::path(post, path = "/api/v1/payments/{orderId}/refunds", tag = "Payment",
    params(("orderId" = Uuid, Path), ("Idempotency-Key" = String, Header)), request_body = RefundBody,
    responses((status = 202, body = RefundAccepted),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 409, body = Problem, content_type = "application/problem+json"),
              (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn post(
    caller: Caller,
    State(app): State<App>,
    Path(order_id): Path<Uuid>,
    RequestTrace(trace): RequestTrace,
    Keyed { key, hash, body }: Keyed<RefundBody>,
) -> Result<Response, Problem> {
    caller.require(ADMIN)?;
    let mut checks = Checks::new();
    checks.that(body.amount > Money::ZERO, "amount", "out_of_range", "must be at least 0.01").text(
        "reason",
        &body.reason,
        1..=500,
    );
    checks.finish()?;
    let once = IdempotentRequest { key: format!("{}|refunds:{order_id}|{}", caller.scope_key(), key.as_str()), hash };
    let command = RefundPayment { order_id, amount: body.amount, note: body.reason };
    let replied =
        app.execute_once(command, once, trace).await.map_err(|refused| Problem::rejected(refused, refusal))?;
    Ok((StatusCode::ACCEPTED, CommandReply(replied)).into_response())
}

fn refusal(refusal: RefundRefusal) -> Problem {
    match refusal {
        RefundRefusal::NoSuchPayment => Problem::not_found(),
        RefundRefusal::CancelInstead => Problem::new(&CANCEL_INSTEAD),
        RefundRefusal::ExceedsCharge(left) => Problem::new(&REFUND_EXCEEDS_CHARGE)
            .detail(format!("{left} is left of the charge"))
            .with("left", left.to_string()),
    }
}
