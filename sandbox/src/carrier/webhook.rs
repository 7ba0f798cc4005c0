//! Sends updates to the shop's webhook, one per request.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use chrono::{DateTime, Utc};
use clock::Clock;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, time::timeout};
use tracing::warn;
use web::OutboundClient;

use super::{CarrierUpdate, Progress, UpdateAnswer};

/// Requests to the webhook at the same time.
pub const MAX_IN_FLIGHT: usize = 128;

/// A request without an answer is sent again after this time: a shop that hangs must not stop the
/// updates for ever.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The booking's answer is not known to the shop yet, or the shop is overloaded.
const EXPECTED_REFUSALS: [StatusCode; 2] = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS];

/// The scheduler has at most one update of a parcel under way, so a parcel's updates arrive in
/// their order.
pub(super) struct Webhook {
    client: OutboundClient,
    clock: Clock,
    in_flight: Semaphore,
}

impl Webhook {
    pub fn new(address: &str) -> Self {
        let (client, clock) = (OutboundClient::new(address), Clock::system());
        Self { client, clock, in_flight: Semaphore::new(MAX_IN_FLIGHT) }
    }

    pub async fn send(&self, update: &CarrierUpdate) -> UpdateAnswer {
        let Ok(_permit) = self.in_flight.acquire().await else { return UpdateAnswer::RetryLater };
        let body = body(update, self.clock.now());
        match timeout(REQUEST_TIMEOUT, self.client.call(Method::POST, "", None, Some(&body))).await {
            Ok(Ok((status, _))) if status.is_success() => UpdateAnswer::Accepted,
            Ok(Ok((StatusCode::NOT_FOUND, _))) => UpdateAnswer::UnknownParcel,
            Ok(Ok((status, _))) if !EXPECTED_REFUSALS.contains(&status) => {
                warn!(%status, order.id = %update.order_id, "the webhook refuses a carrier update; it is sent again");
                UpdateAnswer::RetryLater
            }
            _ => UpdateAnswer::RetryLater,
        }
    }
}

fn body(update: &CarrierUpdate, now: DateTime<Utc>) -> Value {
    let (status, at) = match update.progress {
        Progress::PickedUp => ("PICKED_UP", now),
        Progress::Delivered { at } => ("DELIVERED", at),
    };
    json!({ "orderId": update.order_id, "trackingNumber": update.tracking_number, "status": status, "at": at })
}
