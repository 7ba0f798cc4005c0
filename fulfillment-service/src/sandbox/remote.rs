//! The shop's way to a sandbox carrier in another process.

use platform::{CallError, OutboundClient};

use super::{
    Known,
    wire::{Answer, BookBody, CancelBody},
};
use crate::{
    domain::{self, BookAnswer, CancelAnswer, Progress},
    effects::Carrier,
};

/// The carrier port for `uzon serve sandbox`.
#[derive(Clone)]
pub struct RemoteCarrier {
    client: OutboundClient,
}

impl RemoteCarrier {
    /// `url`: `http://host:port`
    pub fn new(url: &str) -> Self {
        Self { client: OutboundClient::new(url) }
    }

    async fn known(&self, key: &str) -> Result<Option<Known>, CallError> {
        self.client.get::<Answer>(&format!("/sandbox/carrier/bookings/{key}")).await?.try_into()
    }
}

impl Carrier for RemoteCarrier {
    const NAME: &'static str = "sandbox";

    async fn book(&self, key: &str, book: &domain::Book) -> Result<BookAnswer, CallError> {
        let address = &book.parcel.address;
        let (postal_code, country) = (address.postal_code.to_string(), address.country.to_string());
        let body = BookBody { order_id: book.order_id, postal_code, country };
        self.client.post::<Answer>("/sandbox/carrier/bookings", key, &body).await?.try_into()
    }

    async fn find(&self, key: &str) -> Result<Option<BookAnswer>, CallError> {
        Ok(self.known(key).await?.map(|known| known.answer))
    }

    async fn cancel(&self, key: &str) -> Result<CancelAnswer, CallError> {
        let body = CancelBody { key: key.to_owned() };
        self.client.post::<Answer>("/sandbox/carrier/cancellations", key, &body).await?.try_into()
    }

    async fn track(&self, key: &str) -> Result<Option<Progress>, CallError> {
        Ok(self.known(key).await?.and_then(|known| known.progress))
    }
}
