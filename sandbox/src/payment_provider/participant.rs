//! The provider's participant and its commands.

use std::convert::Infallible;

use events::{Currency, Money};
use saga::{Command, Consequences, Delivery, Participant, Verdict, answer};
use serde::Deserialize;
use uuid::Uuid;

use super::{Books, ChargeLands, ChargeReply, CloseAnswer, QueryAnswer, Refunded};

/// What it did under a key it never does again.
#[derive(Debug)]
pub struct SandboxProvider;

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
    /// Idempotency key of the charge.
    pub charge_key: String,
    pub amount: Money,
}

/// All inputs. The reminder's name is stored: never rename.
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

impl Participant for SandboxProvider {
    const NAME: &'static str = "sandbox-payment";
    type Input = Input;
    type Workset = Books;

    fn react(&self, books: &mut Books, it: &Delivery<Input>, out: &mut Consequences) -> Verdict {
        match &it.input {
            Input::ChargeLands(reminder) => books.land(&reminder.key, out),
            Input::Charge(charge) => answer(charge, Ok(books.charge(charge, out))),
            Input::Query(query) => answer(query, Ok(books.query(&query.key, out))),
            Input::Close(close) => answer(close, Ok(books.close(close, out))),
            Input::Refund(refund) => answer(refund, books.refund(refund, out)),
        }
    }
}

impl Input {
    /// Keys of the rows to load.
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
            type Participant = SandboxProvider;
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
command!(Query -> QueryAnswer, Infallible);
command!(Close -> CloseAnswer, Infallible);
command!(Refund -> Refunded, &'static str);
