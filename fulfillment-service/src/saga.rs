//! This service's part in the saga: the rule of `domain` that each input invokes.

use saga::{Command, Consequences, Delivery, Participant, Verdict, answer};
use uuid::Uuid;

use crate::{
    domain::{CarrierUpdate, ShipmentRules, UpdateRefusal, Work},
    inputs::Input,
};

pub struct FulfillmentSaga {
    pub rules: ShipmentRules,
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
            Input::AskCarrier(reminder) => work.track(it.key, *reminder, out),
            Input::Booked(outcome) => work.booked(it.key, &outcome.result, &self.rules, out),
            Input::Found(outcome) => work.found(it.key, &outcome.result, &self.rules, out),
            Input::BookingCancelled(outcome) => work.booking_cancelled(it.key, &outcome.result, out),
            Input::Tracked(outcome) => work.tracked(it.key, outcome, &self.rules, out),
            Input::CarrierUpdate(update) => answer(update, work.update(update, out)),
        }
    }
}

impl Command for CarrierUpdate {
    type Participant = FulfillmentSaga;
    type Reply = ();
    type Refusal = UpdateRefusal;

    fn key(&self) -> Uuid {
        self.order_id
    }
}
