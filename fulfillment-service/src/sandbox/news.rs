//! The way of the carrier's news to the shop.

use axum::http::{Method, StatusCode};
use platform::{App, Clock, Outside, Refused, Trace};
use serde_json::json;

use super::Sandbox;
use crate::domain::{CarrierNews, NewsRefusal, Progress};

/// What a shop says to news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    Accepted,
    /// To be told again.
    NotNow,
    /// It knows no such parcel.
    Unknown,
}

/// From now on the carrier tells this shop. `shop`: the running fulfillment service.
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

/// From now on the carrier tells the shop behind this address, its webhook.
pub fn connect_to(carrier: &Sandbox, webhook: &str) {
    let (shop, clock) = (Outside::new(webhook), Clock::system());
    carrier.tell(move |news| {
        let (shop, at) = (shop.clone(), clock.now());
        async move {
            let (status, at) = match news.progress {
                Progress::PickedUp => ("PICKED_UP", at),
                Progress::Delivered { at } => ("DELIVERED", at),
            };
            let CarrierNews { order_id, tracking_number, .. } = news;
            let body = json!({ "orderId": order_id, "trackingNumber": tracking_number, "status": status, "at": at });
            match shop.call(Method::POST, "", None, Some(&body)).await {
                Ok((status, _)) if status.is_success() => Heard::Accepted,
                Ok((StatusCode::NOT_FOUND, _)) => Heard::Unknown,
                _ => Heard::NotNow,
            }
        }
    });
}
