//! This service's part in the saga: the rule of `domain` that each input invokes.

use std::convert::Infallible;

use saga::{
    Command, Consequences, Delivery, Participant,
    Verdict::{self, Ignored},
    answer,
};
use uuid::Uuid;

use crate::{
    domain::{
        Resend, ResendRefusal, SetPreferences, Work,
        rows::{Notification, Preferences},
    },
    inputs::Input,
};

pub struct NotificationSaga;

impl Participant for NotificationSaga {
    const NAME: &'static str = "notification";
    type Input = Input;
    type Workset = Work;

    fn react(&self, work: &mut Work, it: &Delivery<Input>, out: &mut Consequences) -> Verdict {
        match (&it.input, it.input.notification()) {
            (_, Some(notification)) => work.notify(it.key, &notification, out),
            (Input::OrderCreated(order), _) => work.record_contact(it.key, order),
            (Input::Notified(outcome), _) => work.settle(outcome, out),
            (Input::Resend(command), _) => answer(command, work.resend(command, out)),
            (Input::SetPreferences(command), _) => answer(command, Ok(work.set_preferences(command))),
            _ => Ignored("the customer is not notified about it"),
        }
    }
}

impl Command for Resend {
    type Participant = NotificationSaga;
    type Reply = Notification;
    type Refusal = ResendRefusal;

    fn key(&self) -> Uuid {
        let Self((order_id, ..)) = self;
        *order_id
    }
}

impl Command for SetPreferences {
    type Participant = NotificationSaga;
    type Reply = Preferences;
    type Refusal = Infallible;

    fn key(&self) -> Uuid {
        self.0.customer_id
    }
}
