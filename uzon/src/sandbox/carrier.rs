//! The fulfillment service's carrier port on the sandbox's carrier in the same process, and the
//! carrier's updates.

use fulfillment_service::{
    domain::{self, UpdateRefusal, booking_key},
    effects,
};
use saga::{App, CallError, Rejected};
use sandbox::carrier::{
    Book, BookAnswer, BookingStatus, Cancel, CancelAnswer, Carrier, CarrierUpdate, Confirmation, Find, Progress,
    UpdateAnswer,
};
use telemetry::Trace;

#[derive(Clone)]
pub struct InProcessCarrier(pub Carrier);

impl effects::Carrier for InProcessCarrier {
    const NAME: &'static str = "sandbox";

    async fn book(&self, _: &str, book: &domain::Book) -> Result<domain::BookAnswer, CallError> {
        self.0.book(book_command(book)).await.map(book_answer)
    }

    async fn find(&self, key: &str) -> Result<Option<domain::BookAnswer>, CallError> {
        Ok(self.status(key).await?.map(|status| book_answer(status.answer)))
    }

    async fn cancel(&self, key: &str) -> Result<domain::CancelAnswer, CallError> {
        self.0.cancel(Cancel { key: key.to_owned() }).await.map(cancel_answer)
    }

    async fn track(&self, key: &str) -> Result<Option<domain::Progress>, CallError> {
        Ok(self.status(key).await?.and_then(|status| status.progress).map(progress))
    }
}

impl InProcessCarrier {
    async fn status(&self, key: &str) -> Result<Option<BookingStatus>, CallError> {
        self.0.find(Find { key: key.to_owned() }).await
    }
}

/// Sends the carrier's updates to the running fulfillment service.
pub fn send_updates_to(carrier: &Carrier, fulfillment: App) {
    carrier.send_updates(move |update| {
        let fulfillment = fulfillment.clone();
        async move {
            match fulfillment.execute(update_command(update), Trace::new()).await {
                Ok(()) => UpdateAnswer::Accepted,
                Err(Rejected::Refused(UpdateRefusal::NoSuchParcel)) => UpdateAnswer::UnknownParcel,
                Err(_) => UpdateAnswer::RetryLater,
            }
        }
    });
}

pub fn book_command(it: &domain::Book) -> Book {
    let address = &it.parcel.address;
    Book {
        key: booking_key(it.order_id),
        order_id: it.order_id,
        postal_code: address.postal_code.clone(),
        country: address.country.clone(),
    }
}

fn update_command(update: CarrierUpdate) -> domain::CarrierUpdate {
    let CarrierUpdate { order_id, tracking_number, progress: at } = update;
    domain::CarrierUpdate { order_id, tracking_number, progress: progress(at) }
}

pub fn book_answer(answer: BookAnswer) -> domain::BookAnswer {
    match answer {
        BookAnswer::Booked(Confirmation { carrier, tracking_number, estimated_delivery }) => {
            domain::BookAnswer::Booked(domain::Booking { carrier, tracking_number, estimated_delivery })
        }
        BookAnswer::Refused(reason) => domain::BookAnswer::Refused(reason),
    }
}

pub fn cancel_answer(answer: CancelAnswer) -> domain::CancelAnswer {
    match answer {
        CancelAnswer::Cancelled => domain::CancelAnswer::Cancelled,
        CancelAnswer::TooLate => domain::CancelAnswer::TooLate,
    }
}

pub fn progress(progress: Progress) -> domain::Progress {
    match progress {
        Progress::PickedUp => domain::Progress::PickedUp,
        Progress::Delivered { at } => domain::Progress::Delivered { at },
    }
}
