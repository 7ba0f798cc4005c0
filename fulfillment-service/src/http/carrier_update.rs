//! Webhook for carrier updates, one per request.

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Checks, Json, Path, Problem, RequestTrace};

use super::{AppState, UPDATE_TOO_EARLY};
use crate::domain::{CarrierUpdate, Progress, UpdateRefusal};

/// The progress of a parcel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CarrierUpdate)]
pub(super) struct Body {
    /// The shop's reference from the booking.
    order_id: Uuid,
    /// The tracking number from the answer to the booking.
    #[schema(example = "SHIP-7Q2M4K9R1C3D")]
    tracking_number: String,
    status: Status,
    /// Time of the pick-up or delivery.
    at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = CarrierUpdateStatus)]
pub(super) enum Status {
    /// The carrier has the parcel.
    PickedUp,
    /// The customer has the parcel. Implies the pick-up.
    Delivered,
}

/// Receives a carrier update. Repeated and older updates change nothing and get the same response as the first.
#[utoipa::path(post, path = "/webhooks/carrier/{carrier}", tag = "webhooks",
    params(("carrier" = String, Path, description = "Short name of the carrier's adapter, such as `sandbox`.")),
    request_body = Body,
    responses((status = 204, description = "Accepted."),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 404, description = "No such carrier, or no parcel with this order and tracking number.", body = Problem, content_type = "application/problem+json"),
              (status = 422, body = Problem, content_type = "application/problem+json"),
              (status = 429, body = Problem, content_type = "application/problem+json"),
              (status = 503, description = "The booking has not been answered yet: send it again after `Retry-After`.", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn post(
    _caller: Caller,
    State(state): State<AppState>,
    Path(carrier): Path<String>,
    RequestTrace(trace): RequestTrace,
    Json(body): Json<Body>,
) -> Result<StatusCode, Problem> {
    if carrier != state.carrier {
        return Err(Problem::not_found());
    }
    Checks::new().text("trackingNumber", &body.tracking_number, 1..=100).finish()?;
    let progress = match body.status {
        Status::PickedUp => Progress::PickedUp,
        Status::Delivered => Progress::Delivered { at: body.at },
    };
    let update = CarrierUpdate { order_id: body.order_id, tracking_number: body.tracking_number, progress };
    state.app.execute(update, trace).await.map_err(|refused| Problem::rejected(refused, refusal))?;
    Ok(StatusCode::NO_CONTENT)
}

fn refusal(refusal: UpdateRefusal) -> Problem {
    match refusal {
        UpdateRefusal::TooEarly => Problem::new(&UPDATE_TOO_EARLY).retry_after(1),
        UpdateRefusal::NoSuchParcel => Problem::not_found(),
    }
}
