//! What the provider can be told to do.

use std::convert::Infallible;

use events::{Currency, Money};
use platform::{Command, Consequences, Delivery, Participant, Request, Verdict, answer};
use serde::Deserialize;
use uuid::Uuid;

use super::{Books, ChargeLands, ChargeReply};
use crate::domain::{self, CloseAnswer, Found, Refunded, charge_key};

/// The provider. What it did under a key it never does again, so it needs no inbox.
#[derive(Debug)]
pub struct Bank;

#[derive(Debug)]
pub struct Charge {
    pub key: String,
    pub order_id: Uuid,
    pub amount: Money,
    pub currency: Currency,
    pub token: String,
}

#[derive(Debug)]
pub struct Query {
    pub key: String,
    pub order_id: Uuid,
}

#[derive(Debug)]
pub struct Close {
    pub key: String,
    pub order_id: Uuid,
}

#[derive(Debug)]
pub struct Refund {
    pub key: String,
    pub order_id: Uuid,
    /// The charge's.
    pub charge_key: String,
    pub amount: Money,
}

/// What the payment service asks for, as the provider understands it.
impl From<&domain::Charge> for Charge {
    fn from(it: &domain::Charge) -> Self {
        let domain::Charge { order_id, amount, currency, ref token } = *it;
        Self { key: charge_key(order_id), order_id, amount, currency, token: token.to_string() }
    }
}

impl From<&domain::QueryCharge> for Query {
    fn from(it: &domain::QueryCharge) -> Self {
        Self { key: charge_key(it.order_id), order_id: it.order_id }
    }
}

impl From<&domain::CloseCharge> for Close {
    fn from(it: &domain::CloseCharge) -> Self {
        Self { key: charge_key(it.order_id), order_id: it.order_id }
    }
}

impl From<&domain::Refund> for Refund {
    fn from(it: &domain::Refund) -> Self {
        let (order_id, amount) = (it.order_id, it.amount);
        Self { key: it.idempotency_key(), order_id, charge_key: charge_key(order_id), amount }
    }
}

/// Everything that comes in. The reminder's name is stored: never rename.
#[derive(Debug, Deserialize)]
pub enum Input {
    // reminders
    ChargeLands(ChargeLands),
    // commands
    #[serde(skip)]
    Charge(Charge),
    #[serde(skip)]
    Query(Query),
    #[serde(skip)]
    Close(Close),
    #[serde(skip)]
    Refund(Refund),
}

impl Participant for Bank {
    const NAME: &'static str = "sandbox-payment";
    const INBOX: bool = false;
    type Input = Input;
    type Workset = Books;

    fn react(&self, books: &mut Books, it: &Delivery<Input>, then: &mut Consequences) -> Verdict {
        match &it.input {
            Input::ChargeLands(reminder) => books.land(&reminder.key, then),
            Input::Charge(charge) => answer(charge, Ok(books.charge(charge, then))),
            Input::Query(query) => answer(query, Ok(books.query(&query.key, then))),
            Input::Close(close) => answer(close, Ok(books.close(close, then))),
            Input::Refund(refund) => answer(refund, books.refund(refund, then)),
        }
    }
}

impl Input {
    /// The rows it is about.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let (key, other) = match self {
            Self::ChargeLands(it) => (&it.key, None),
            Self::Charge(it) => (&it.key, None),
            Self::Query(it) => (&it.key, None),
            Self::Close(it) => (&it.key, None),
            Self::Refund(it) => (&it.key, Some(&it.charge_key)),
        };
        [key].into_iter().chain(other).map(String::as_str)
    }
}

macro_rules! command {
    ($command:ident -> $reply:ty, $refusal:ty) => {
        impl Command for $command {
            type Room = Bank;
            type Reply = $reply;
            type Refusal = $refusal;

            fn key(&self) -> Uuid {
                self.order_id
            }
        }

        impl From<$command> for Input {
            fn from(command: $command) -> Self {
                Self::$command(command)
            }
        }
    };
}

command!(Charge -> ChargeReply, Infallible);
command!(Query -> Found, Infallible);
command!(Close -> CloseAnswer, Infallible);
command!(Refund -> Refunded, &'static str);
