//! This service's part in the saga: what it listens to, and which rule of `domain` each thing leads to.

use saga::{
    Consequences, Delivery, Outcome, Participant,
    Verdict::{self, Ignored},
    answer,
};
use serde::Deserialize;

use crate::{
    domain::{
        News, OrderCancelled, OrderCreated, OrderShipped, OrderStatusChanged, PaymentRefunded, Resend, SetPreferences,
        Status,
    },
    effects::Notify,
    store::Work,
};

pub struct NotificationSaga;

/// Everything that comes in. Names of events are stored and sent: never rename.
#[derive(Debug, Deserialize)]
pub enum Input {
    // events
    #[serde(rename = "OrderCreated.v1")]
    OrderCreated(OrderCreated),
    #[serde(rename = "OrderConfirmed.v1")]
    OrderConfirmed,
    #[serde(rename = "OrderShipped.v1")]
    OrderShipped(OrderShipped),
    #[serde(rename = "OrderDelivered.v1")]
    OrderDelivered,
    #[serde(rename = "OrderCancelled.v1")]
    OrderCancelled(OrderCancelled),
    #[serde(rename = "PaymentRefunded.v1")]
    PaymentRefunded(PaymentRefunded),
    #[serde(rename = "OrderStatusChanged.v1")]
    OrderStatusChanged(OrderStatusChanged),
    // outcomes
    #[serde(skip)]
    Notified(Outcome<Notify>),
    // commands
    #[serde(skip)]
    Resend(Resend),
    #[serde(skip)]
    SetPreferences(SetPreferences),
}

impl Input {
    /// What the customer is told of it, if anything.
    pub fn news(&self) -> Option<News<'_>> {
        match self {
            Self::OrderConfirmed => Some(News::Confirmed),
            Self::OrderShipped(event) => Some(News::Shipped(event)),
            Self::OrderDelivered => Some(News::Delivered),
            Self::OrderCancelled(event) => Some(News::Cancelled(event)),
            Self::PaymentRefunded(event) => Some(News::Refunded(event)),
            Self::OrderStatusChanged(event) if event.status == Status::Failed => Some(News::Failed(event)),
            _ => None,
        }
    }
}

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

impl From<Outcome<Notify>> for Input {
    fn from(outcome: Outcome<Notify>) -> Self {
        Self::Notified(outcome)
    }
}

impl From<Resend> for Input {
    fn from(command: Resend) -> Self {
        Self::Resend(command)
    }
}

impl From<SetPreferences> for Input {
    fn from(command: SetPreferences) -> Self {
        Self::SetPreferences(command)
    }
}
