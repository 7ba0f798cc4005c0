//! Webhook for carrier updates, one per request.

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Caller, Checks, Json, Path, Problem, RequestTrace};

use super::{NEWS_TOO_EARLY, Office};
use crate::domain::{CarrierNews, NewsRefusal, Progress};

/// What has happened to a parcel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CarrierNews)]
pub(super) struct Body {
    /// The shop's reference, as given at the booking.
    order_id: Uuid,
    /// As answered to the booking.
    #[schema(example = "SHIP-7Q2M4K9R1C3D")]
    tracking_number: String,
    status: Status,
    /// When it happened.
    at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = CarrierNewsStatus)]
pub(super) enum Status {
    /// The carrier has it.
    PickedUp,
    /// The customer has it. It counts as picked up, too.
    Delivered,
}

/// The carrier tells of a parcel. Repeats and old news change nothing and are answered like the first time.
#[utoipa::path(post, path = "/webhooks/carrier/{carrier}", tag = "webhooks",
    params(("carrier" = String, Path, description = "Short name of the carrier's adapter, such as `sandbox`.")),
    request_body = Body,
    responses((status = 204, description = "Noted."),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 404, description = "No such carrier, or no parcel with this order and tracking number.", body = Problem, content_type = "application/problem+json"),
              (status = 422, body = Problem, content_type = "application/problem+json"),
              (status = 429, body = Problem, content_type = "application/problem+json"),
              (status = 503, description = "The booking has not been answered yet: send it again after `Retry-After`.", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn post(
    _caller: Caller,
    State(office): State<Office>,
    Path(carrier): Path<String>,
    RequestTrace(trace): RequestTrace,
    Json(body): Json<Body>,
) -> Result<StatusCode, Problem> {
    if carrier != office.carrier {
        return Err(Problem::not_found());
    }
    Checks::new().text("trackingNumber", &body.tracking_number, 1..=100).finish()?;
    let progress = match body.status {
        Status::PickedUp => Progress::PickedUp,
        Status::Delivered => Progress::Delivered { at: body.at },
    };
    let news = CarrierNews { order_id: body.order_id, tracking_number: body.tracking_number, progress };
    office.app.execute(news, trace).await.map_err(|refused| Problem::rejected(refused, refusal))?;
    Ok(StatusCode::NO_CONTENT)
}

fn refusal(refusal: NewsRefusal) -> Problem {
    match refusal {
        NewsRefusal::TooEarly => Problem::new(&NEWS_TOO_EARLY).retry_after(1),
        NewsRefusal::NoSuchParcel => Problem::not_found(),
    }
}
