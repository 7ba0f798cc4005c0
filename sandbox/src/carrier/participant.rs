//! The carrier's participant and its commands. Also the simulation's carrier.

use std::convert::Infallible;

use chrono::{DateTime, TimeDelta, Utc};
use events::Personal;
use saga::{Command, Consequences, Delivery, Participant, Verdict, answer};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{BookAnswer, BookingStatus, CancelAnswer, store::Work};

pub struct SandboxCarrier {
    pub pace: Pace,
}

/// How long parcels wait, and how long they travel.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From booking to pick-up.
    pub pickup_after: TimeDelta,
    /// From pick-up to delivery.
    pub deliver_after: TimeDelta,
}

/// Take a parcel to this address. Answered the same each time it is repeated with the same key.
#[derive(Debug, Clone)]
pub struct Book {
    pub key: String,
    pub order_id: Uuid,
    pub postal_code: Personal<String>,
    pub country: Personal<String>,
}

/// Look a booking up.
#[derive(Debug, Clone)]
pub struct Find {
    pub key: String,
}

/// Don't pick the parcel up.
#[derive(Debug, Clone)]
pub struct Cancel {
    pub key: String,
}

/// Pick the parcel up.
#[derive(Debug, Clone)]
pub struct PickUp {
    pub key: String,
}

/// The parcel was delivered. Answered with whether that was not known before.
#[derive(Debug, Clone)]
pub struct Deliver {
    pub key: String,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PickUpAnswer {
    PickedUp(Transit),
    /// Not before this time.
    TooEarly(DateTime<Utc>),
    /// There is no such booking, or nothing to pick up any more.
    Nothing,
}

/// A parcel on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transit {
    pub order_id: Uuid,
    pub tracking_number: String,
    pub deliver_at: DateTime<Utc>,
}

/// All inputs. None comes from the bus.
#[derive(Debug, Deserialize)]
pub enum Input {
    #[serde(skip)]
    Book(Book),
    #[serde(skip)]
    Find(Find),
    #[serde(skip)]
    Cancel(Cancel),
    #[serde(skip)]
    PickUp(PickUp),
    #[serde(skip)]
    Deliver(Deliver),
}

impl Participant for SandboxCarrier {
    const NAME: &'static str = "sandbox-carrier";
    type Input = Input;
    type Workset = Work;

    fn react(&self, work: &mut Work, it: &Delivery<Input>, out: &mut Consequences) -> Verdict {
        match &it.input {
            Input::Book(command) => answer(command, Ok(work.book(command, self.pace, out))),
            Input::Find(command) => answer(command, Ok(work.find(command))),
            Input::Cancel(command) => answer(command, Ok(work.cancel(command, out.now()))),
            Input::PickUp(command) => answer(command, Ok(work.pick_up(command, self.pace, out.now()))),
            Input::Deliver(command) => answer(command, Ok(work.deliver(command))),
        }
    }
}

macro_rules! commands {
    ($($command:ident -> $reply:ty),+ $(,)?) => {$(
        impl Command for $command {
            type Participant = SandboxCarrier;
            type Reply = $reply;
            type Refusal = Infallible;

            /// Bookings are known by the shop's keys, which need not be ids.
            fn key(&self) -> Uuid {
                Uuid::nil()
            }
        }

        impl From<$command> for Input {
            fn from(command: $command) -> Self {
                Self::$command(command)
            }
        }
    )+

        impl Input {
            /// Key of the booking that the command is about.
            pub(super) fn booking(&self) -> &str {
                match self { $(Self::$command(command) => &command.key),+ }
            }
        }
    };
}

commands! {
    Book -> BookAnswer,
    Find -> Option<BookingStatus>,
    Cancel -> CancelAnswer,
    PickUp -> PickUpAnswer,
    Deliver -> bool,
}
