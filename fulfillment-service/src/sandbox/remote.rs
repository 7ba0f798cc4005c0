//! The shop's way to a sandbox carrier in another process.

use platform::{CallError, Outside, Together};

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
    carrier: Outside,
    bookings: Together,
}

impl RemoteCarrier {
    /// `url`: `http://host:port`
    pub fn new(url: &str) -> Self {
        let carrier = Outside::new(url);
        let bookings = carrier.together("/sandbox/carrier/bookings/batch");
        Self { carrier, bookings }
    }

    async fn known(&self, key: &str) -> Result<Option<Known>, CallError> {
        self.carrier.get::<Answer>(&format!("/sandbox/carrier/bookings/{key}")).await?.try_into()
    }
}

impl Carrier for RemoteCarrier {
    const NAME: &'static str = "sandbox";

    async fn book(&self, key: &str, book: &domain::Book) -> Result<BookAnswer, CallError> {
        let address = &book.parcel.address;
        let (postal_code, country) = (address.postal_code.to_string(), address.country.to_string());
        let body = BookBody { order_id: book.order_id, postal_code, country };
        self.bookings.post::<Answer>(key, &body).await?.try_into()
    }

    async fn find(&self, key: &str) -> Result<Option<BookAnswer>, CallError> {
        Ok(self.known(key).await?.map(|known| known.answer))
    }

    async fn cancel(&self, key: &str) -> Result<CancelAnswer, CallError> {
        let body = CancelBody { key: key.to_owned() };
        self.carrier.post::<Answer>("/sandbox/carrier/cancellations", key, &body).await?.try_into()
    }

    async fn track(&self, key: &str) -> Result<Option<Progress>, CallError> {
        Ok(self.known(key).await?.and_then(|known| known.progress))
    }
}
