//! Delivers carrier updates to the shop, in process or to its webhook.

use std::{sync::Arc, time::Duration};

use axum::http::{Method, StatusCode};
use chrono::{DateTime, Utc};
use platform::{App, Clock, OutboundClient, Refused, Trace};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, time::timeout};
use tracing::warn;

use super::Sandbox;
use crate::domain::{CarrierNews, NewsRefusal, Progress};

/// What a shop answers to an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    Accepted,
    /// Send it again later.
    NotNow,
    /// The shop knows no such parcel.
    Unknown,
}

/// Sends the carrier's updates to a fulfillment service in this process.
pub fn connect(carrier: &Sandbox, shop: App) {
    carrier.tell(move |news| {
        let shop = shop.clone();
        async move {
            match shop.execute(news, Trace::new()).await {
                Ok(()) => Heard::Accepted,
                Err(Refused::By(NewsRefusal::NoSuchParcel)) => Heard::Unknown,
                Err(_) => Heard::NotNow,
            }
        }
    });
}

/// Sends the carrier's updates to the webhook at this address.
pub fn connect_to(carrier: &Sandbox, webhook: &str) {
    let webhook = Arc::new(Webhook {
        client: OutboundClient::new(webhook),
        clock: Clock::system(),
        in_flight: Semaphore::new(MAX_IN_FLIGHT),
    });
    carrier.tell(move |news| {
        let webhook = webhook.clone();
        async move { webhook.send(&news).await }
    });
}

/// Requests to the webhook at the same time.
pub const MAX_IN_FLIGHT: usize = 128;

/// A request without an answer is sent again after this time: a shop that hangs must not stop the updates for ever.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends one update per request. The rounds have at most one update of a parcel under way, so a parcel's updates arrive in
/// their order.
struct Webhook {
    client: OutboundClient,
    clock: Clock,
    in_flight: Semaphore,
}

impl Webhook {
    async fn send(&self, news: &CarrierNews) -> Heard {
        let Ok(_permit) = self.in_flight.acquire().await else { return Heard::NotNow };
        let body = body(news, self.clock.now());
        match timeout(REQUEST_TIMEOUT, self.client.call(Method::POST, "", None, Some(&body))).await {
            Ok(Ok((status, _))) if status.is_success() => Heard::Accepted,
            Ok(Ok((StatusCode::NOT_FOUND, _))) => Heard::Unknown,
            // The booking's answer is not known yet, or the shop is overloaded.
            Ok(Ok((StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, _))) => Heard::NotNow,
            Ok(Ok((status, _))) => {
                warn!(%status, order.id = %news.order_id, "the webhook refuses a carrier update; it is sent again");
                Heard::NotNow
            }
            Ok(Err(_)) | Err(_) => Heard::NotNow,
        }
    }
}

fn body(news: &CarrierNews, now: DateTime<Utc>) -> Value {
    let (status, at) = match news.progress {
        Progress::PickedUp => ("PICKED_UP", now),
        Progress::Delivered { at } => ("DELIVERED", at),
    };
    json!({ "orderId": news.order_id, "trackingNumber": news.tracking_number, "status": status, "at": at })
}
