//! This service's part in the saga: what it listens to, and which rule of `domain` each thing leads to.

use std::convert::Infallible;

use saga::{
    Command, Consequences, Delivery, Participant,
    Verdict::{self, Ignored},
    answer,
};
use uuid::Uuid;

use crate::{
    domain::{Resend, ResendRefusal, SetPreferences},
    inputs::Input,
    store::{Notification, Preferences, Work},
};

pub struct NotificationSaga;

impl Participant for NotificationSaga {
    const NAME: &'static str = "notification";
    /// Repeats are recognised by the rows they would write: a contact by its order, a message by order, event and channel.
    /// Nothing here is money or stock, and most of what is heard (every status but one) is ignored anyway: an inbox would
    /// cost a row for each of them.
    const INBOX: bool = false;
    type Input = Input;
    type Workset = Work;

    fn react(&self, work: &mut Work, it: &Delivery<Input>, out: &mut Consequences) -> Verdict {
        match (&it.input, it.input.news()) {
            (_, Some(news)) => work.tell(it.key, &news, out),
            (Input::OrderCreated(order), _) => work.note(it.key, order),
            (Input::Notified(outcome), _) => work.settle(outcome, out),
            (Input::Resend(command), _) => answer(command, work.resend(command, out)),
            (Input::SetPreferences(command), _) => answer(command, Ok(work.set_preferences(command))),
            _ => Ignored("no news for the customer"),
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
