//! The carrier tells of a parcel, or of many.

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use platform::{
    Trace,
    http::{Caller, Checks, Json, Path, Problem, RequestTrace},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

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
    office.is_of(&carrier)?;
    Checks::new().text("trackingNumber", &body.tracking_number, TRACKING_NUMBER).finish()?;
    office.note(body, trace).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// News of many parcels.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CarrierNewsBatch)]
pub(super) struct Batch {
    #[schema(min_items = 1, max_items = 500)]
    news: Vec<Body>,
}

/// What became of each.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CarrierNewsResults)]
pub(super) struct Results {
    /// In the order of the news.
    results: Vec<Told>,
}

/// As if it had been told alone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CarrierNewsResult)]
pub(super) struct Told {
    /// Of the answer: 204, 404, 429 or 503.
    #[schema(example = 204)]
    status: u16,
    /// What is wrong, if something is.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(example = "/problems/news-too-early")]
    kind: Option<String>,
}

/// The carrier tells of many parcels at once, which is cheaper for both. Each is answered for itself; what was not noted for
/// now (429, 503) is to be sent again. Nothing is noted when a part of the request cannot be read.
#[utoipa::path(post, path = "/webhooks/carrier/{carrier}/batch", tag = "webhooks",
    params(("carrier" = String, Path, description = "Short name of the carrier's adapter, such as `sandbox`.")),
    request_body = Batch,
    responses((status = 200, body = Results),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 404, description = "No such carrier.", body = Problem, content_type = "application/problem+json"),
              (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn post_batch(
    _caller: Caller,
    State(office): State<Office>,
    Path(carrier): Path<String>,
    RequestTrace(trace): RequestTrace,
    Json(Batch { news }): Json<Batch>,
) -> Result<Json<Results>, Problem> {
    office.is_of(&carrier)?;
    let mut checks = Checks::new();
    checks.range("news", news.len(), 1..=MOST);
    for (place, body) in news.iter().enumerate() {
        checks.text(format!("news[{place}].trackingNumber"), &body.tracking_number, TRACKING_NUMBER);
    }
    checks.finish()?;
    let noted = join_all(news.into_iter().map(|body| office.note(body, trace))).await;
    let told = |noted: Result<(), Problem>| match noted {
        Ok(()) => Told { status: StatusCode::NO_CONTENT.as_u16(), kind: None },
        Err(problem) => Told { status: problem.status().as_u16(), kind: Some(problem.kind().path()) },
    };
    Ok(Json(Results { results: noted.into_iter().map(told).collect() }))
}

/// News in a batch.
const MOST: usize = 500;

/// Characters.
const TRACKING_NUMBER: std::ops::RangeInclusive<usize> = 1..=100;

impl Office {
    fn is_of(&self, carrier: &str) -> Result<(), Problem> {
        if carrier == self.carrier { Ok(()) } else { Err(Problem::not_found()) }
    }

    async fn note(&self, body: Body, trace: Trace) -> Result<(), Problem> {
        let progress = match body.status {
            Status::PickedUp => Progress::PickedUp,
            Status::Delivered => Progress::Delivered { at: body.at },
        };
        let news = CarrierNews { order_id: body.order_id, tracking_number: body.tracking_number, progress };
        self.app.execute(news, trace).await.map_err(|refused| Problem::refused(refused, refusal))
    }
}

fn refusal(refusal: NewsRefusal) -> Problem {
    match refusal {
        NewsRefusal::TooEarly => Problem::new(&NEWS_TOO_EARLY).retry_after(1),
        NewsRefusal::NoSuchParcel => Problem::not_found(),
    }
}
