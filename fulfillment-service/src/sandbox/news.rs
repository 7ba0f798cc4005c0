//! The way of the carrier's news to a shop in the same process.

use platform::{App, Refused, Trace};

use super::Sandbox;
use crate::domain::NewsRefusal;

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
