use axum::{extract::State, http::StatusCode};
use events::{Currency, Money, OrderStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Checks, Json, Path, Problem, RequestTrace};

use super::{NOT_CANCELLABLE, READ, Service, WRITE, restricted_to};
use crate::domain::{CancelOrder, CancelRefusal, CancellationStep, OrderStatusView};

/// What cancelling would do now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CancellationPreview {
    possible: bool,
    /// The status after the cancellation: `CANCELLED`, or `CANCELLING` until the carrier has answered.
    #[schema(value_type = Option<String>, example = "CANCELLING")]
    outcome: Option<OrderStatus>,
    /// The compensations.
    steps: Vec<CancellationStep>,
    /// The amount that would be refunded.
    refund: Option<Refund>,
    /// Why the order cannot be cancelled.
    #[schema(example = "ALREADY_SHIPPED")]
    why: Option<&'static str>,
}

/// An amount that would be refunded.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refund {
    #[schema(value_type = String, example = "59.90")]
    amount: Money,
    #[schema(value_type = String, example = "EUR")]
    currency: Currency,
}

/// What cancelling the order would do now.
#[utoipa::path(get, path = "/api/v1/orders/{id}/cancellation", tag = "Orders", params(("id" = Uuid, Path)),
    responses((status = 200, body = CancellationPreview),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn preview(
    caller: Caller,
    State(service): State<Service>,
    Path(id): Path<Uuid>,
) -> Result<Json<CancellationPreview>, Problem> {
    caller.require(READ)?;
    let order = service.order(&caller, id).await?;
    let preview = order.cancellation();
    Ok(Json(CancellationPreview {
        possible: preview.outcome.is_some(),
        outcome: preview.outcome,
        steps: preview.steps,
        refund: preview.refund.map(|amount| Refund { amount, currency: *order.currency }),
        why: preview.why,
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelRequest {
    /// Free text.
    #[schema(example = "changed my mind", max_length = 500)]
    reason: Option<String>,
}

/// Cancels an order; after its confirmation only if the carrier can still stop the parcel. A repeat changes nothing.
#[utoipa::path(post, path = "/api/v1/orders/{id}/cancel", tag = "Orders",
    params(("id" = Uuid, Path)), request_body = CancelRequest,
    responses((status = 202, body = OrderStatusView),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 404, body = Problem, content_type = "application/problem+json"),
              (status = 409, body = Problem, content_type = "application/problem+json"),
              (status = 422, body = Problem, content_type = "application/problem+json"),
              (status = 429, body = Problem, content_type = "application/problem+json")))]
pub async fn cancel(
    caller: Caller,
    State(service): State<Service>,
    Path(id): Path<Uuid>,
    RequestTrace(trace): RequestTrace,
    Json(request): Json<CancelRequest>,
) -> Result<(StatusCode, Json<OrderStatusView>), Problem> {
    caller.require(WRITE)?;
    Checks::new().optional_text("reason", request.reason.as_deref(), 0..=500).finish()?;
    let command = CancelOrder { order_id: id, of_customer: restricted_to(&caller), note: request.reason };
    let reply = service.app.execute(command, trace).await;
    let status = reply.map_err(|refused| Problem::rejected(refused, refusal))?;
    Ok((StatusCode::ACCEPTED, Json(status)))
}

fn refusal(refusal: CancelRefusal) -> Problem {
    match refusal {
        CancelRefusal::NoSuchOrder => Problem::not_found(),
        CancelRefusal::NotCancellable(status) => {
            Problem::new(&NOT_CANCELLABLE).detail(format!("the order is {status}")).with("orderStatus", status.as_str())
        }
    }
}
