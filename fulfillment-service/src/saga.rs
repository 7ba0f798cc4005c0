//! This service's part in the saga: what it listens to, and which rule of `domain` each thing leads to.

use chrono::TimeDelta;
use saga::{Consequences, Delivery, Outcome, Participant, Verdict, answer};
use serde::Deserialize;

use crate::{
    domain::{AskCarrier, Book, CancelBooking, CarrierNews, OrderConfirmed, QueryBooking, TrackShipment},
    store::Work,
};

pub struct FulfillmentSaga {
    /// A parcel of which nothing was heard for so long is asked after.
    pub ask_after: TimeDelta,
}

/// Everything that comes in. Names of events and reminders are stored and sent: never rename.
#[derive(Debug, Deserialize)]
pub enum Input {
    // events
    #[serde(rename = "OrderConfirmed.v1")]
    OrderConfirmed(OrderConfirmed),
    #[serde(rename = "OrderCancellationRequested.v1")]
    OrderCancellationRequested,
    #[serde(rename = "OrderCancelled.v1")]
    OrderCancelled,
    // reminders
    AskCarrier(AskCarrier),
    // outcomes
    #[serde(skip)]
    Booked(Outcome<Book>),
    #[serde(skip)]
    Found(Outcome<QueryBooking>),
    #[serde(skip)]
    BookingCancelled(Outcome<CancelBooking>),
    #[serde(skip)]
    Tracked(Outcome<TrackShipment>),
    // commands
    #[serde(skip)]
    CarrierNews(CarrierNews),
}

impl Participant for FulfillmentSaga {
    const NAME: &'static str = "fulfillment";
    type Input = Input;
    type Workset = Work;

    fn react(&self, work: &mut Work, it: &Delivery<Input>, out: &mut Consequences) -> Verdict {
        match &it.input {
            Input::OrderConfirmed(order) => work.book(it.key, order, out),
            Input::OrderCancellationRequested => work.cancel(it.key, it.id, out),
            Input::OrderCancelled => work.forestall(it.key, out),
            Input::AskCarrier(ask) => work.ask(it.key, *ask, out),
            Input::Booked(outcome) => work.booked(it.key, &outcome.result, self, out),
            Input::Found(outcome) => work.found(it.key, &outcome.result, self, out),
            Input::BookingCancelled(outcome) => work.booking_cancelled(it.key, &outcome.result, out),
            Input::Tracked(outcome) => work.tracked(it.key, outcome, self, out),
            Input::CarrierNews(news) => answer(news, work.hear(news, out)),
        }
    }
}

impl From<Outcome<Book>> for Input {
    fn from(outcome: Outcome<Book>) -> Self {
        Self::Booked(outcome)
    }
}

impl From<Outcome<QueryBooking>> for Input {
    fn from(outcome: Outcome<QueryBooking>) -> Self {
        Self::Found(outcome)
    }
}

impl From<Outcome<CancelBooking>> for Input {
    fn from(outcome: Outcome<CancelBooking>) -> Self {
        Self::BookingCancelled(outcome)
    }
}

impl From<Outcome<TrackShipment>> for Input {
    fn from(outcome: Outcome<TrackShipment>) -> Self {
        Self::Tracked(outcome)
    }
}

impl From<CarrierNews> for Input {
    fn from(news: CarrierNews) -> Self {
        Self::CarrierNews(news)
    }
}
