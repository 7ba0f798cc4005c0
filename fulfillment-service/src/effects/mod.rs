//! Calls to the carrier.

mod http_carrier;

use std::{future::Future, sync::Arc};

use saga::{CallError, Perform};

use crate::domain::{
    Book, BookAnswer, CancelAnswer, CancelBooking, Progress, QueryBooking, TrackShipment, booking_key,
};

pub use http_carrier::HttpCarrier;

/// The carrier port. `key` identifies a booking: two calls of `book` with the same key make one booking, and every
/// other call uses the key of its booking. Return `CallError::Failed` only when the call certainly had no effect; a
/// refusal is an answer, not an error.
pub trait Carrier: Send + Sync + 'static {
    /// Name of the adapter in `/webhooks/carrier/{name}` and in metrics. Never rename.
    const NAME: &'static str;

    fn book(&self, key: &str, book: &Book) -> impl Future<Output = Result<BookAnswer, CallError>> + Send;

    /// The answer to the booking; `None` when the carrier does not know it.
    fn find(&self, key: &str) -> impl Future<Output = Result<Option<BookAnswer>, CallError>> + Send;

    fn cancel(&self, key: &str) -> impl Future<Output = Result<CancelAnswer, CallError>> + Send;

    /// The progress of the parcel; `None` before the pick-up.
    fn track(&self, key: &str) -> impl Future<Output = Result<Option<Progress>, CallError>> + Send;
}

/// Performs the requests of the domain with a carrier.
pub struct Calls<C>(pub Arc<C>);

impl<C: Carrier> Perform<Book> for Calls<C> {
    async fn perform(&self, book: &Book, key: &str) -> Result<BookAnswer, CallError> {
        self.0.book(key, book).await
    }
}

impl<C: Carrier> Perform<QueryBooking> for Calls<C> {
    async fn perform(&self, query: &QueryBooking, _: &str) -> Result<Option<BookAnswer>, CallError> {
        self.0.find(&booking_key(query.order_id)).await
    }
}

impl<C: Carrier> Perform<CancelBooking> for Calls<C> {
    async fn perform(&self, cancel: &CancelBooking, _: &str) -> Result<CancelAnswer, CallError> {
        self.0.cancel(&booking_key(cancel.order_id)).await
    }
}

impl<C: Carrier> Perform<TrackShipment> for Calls<C> {
    async fn perform(&self, track: &TrackShipment, _: &str) -> Result<Option<Progress>, CallError> {
        self.0.track(&booking_key(track.order_id)).await
    }
}
