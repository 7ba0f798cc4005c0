//! This service's part in the saga: what it listens to, and which rule of `domain` each thing leads to.

use chrono::TimeDelta;
use saga::{Command, Consequences, Delivery, Participant, Verdict, answer};
use uuid::Uuid;

use crate::{
    domain::{CarrierNews, NewsRefusal},
    inputs::Input,
    store::Work,
};

pub struct FulfillmentSaga {
    /// The carrier is queried about a parcel without an update for this long.
    pub ask_after: TimeDelta,
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

impl Command for CarrierNews {
    type Participant = FulfillmentSaga;
    type Reply = ();
    type Refusal = NewsRefusal;

    fn key(&self) -> Uuid {
        self.order_id
    }
}
