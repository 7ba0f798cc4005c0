//! The carrier's rules. Pure: also the simulation's carrier.

use std::convert::Infallible;

use chrono::{DateTime, TimeDelta, Utc};
use events::Personal;
use platform::{Command, Consequences, Delivery, Participant, Verdict, answer};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::store::{Booking, Work};
use crate::domain::{self, BookAnswer, CancelAnswer, Progress};

/// The carrier's only room.
pub struct Depot {
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

/// Take a parcel to this address. Asked again with the same key it is answered the same.
#[derive(Debug, Clone)]
pub struct Book {
    pub key: String,
    pub order_id: Uuid,
    pub postal_code: Personal<String>,
    pub country: Personal<String>,
}

/// What is known of a booking?
#[derive(Debug, Clone)]
pub struct Find {
    pub key: String,
}

/// Don't pick it up.
#[derive(Debug, Clone)]
pub struct Cancel {
    pub key: String,
}

/// The driver is at the door.
#[derive(Debug, Clone)]
pub struct PickUp {
    pub key: String,
}

/// The parcel was handed over. Answered with whether that was not known before.
#[derive(Debug, Clone)]
pub struct Deliver {
    pub key: String,
    pub at: DateTime<Utc>,
}

/// What was answered to a booking, and where its parcel is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    pub answer: BookAnswer,
    pub progress: Option<Progress>,
}

/// What a driver comes back with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Visit {
    PickedUp(Transit),
    /// Not before.
    TooEarly(DateTime<Utc>),
    /// No such booking, or not any more.
    Nothing,
}

/// A parcel on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transit {
    pub order_id: Uuid,
    pub tracking_number: String,
    pub deliver_at: DateTime<Utc>,
}

/// Everything the carrier is asked to do. Nothing comes from the bus.
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

impl Participant for Depot {
    const NAME: &'static str = "sandbox-carrier";
    type Input = Input;
    type Workset = Work;

    fn react(&self, work: &mut Work, it: &Delivery<Input>, then: &mut Consequences) -> Verdict {
        match &it.input {
            Input::Book(command) => answer(command, Ok(work.book(command, self.pace, then))),
            Input::Find(command) => answer(command, Ok(work.find(command))),
            Input::Cancel(command) => answer(command, Ok(work.cancel(command, then.now()))),
            Input::PickUp(command) => answer(command, Ok(work.pick_up(command, self.pace, then.now()))),
            Input::Deliver(command) => answer(command, Ok(work.deliver(command))),
        }
    }
}

impl Work {
    fn book(&mut self, book: &Book, pace: Pace, then: &mut Consequences) -> BookAnswer {
        if let Some(booking) = self.bookings.get(&book.key) {
            return booking.answer();
        }
        let booking = self.bookings.insert(Booking {
            key: book.key.clone(),
            order_id: book.order_id,
            tracking_number: tracking_number(then.new_id()),
            refused: refusal(book).map(str::to_owned),
            estimated_delivery: then.now() + pace.pickup_after + pace.deliver_after,
            booked_at: then.now(),
            cancelled_at: None,
            picked_up_at: None,
            delivered_at: None,
        });
        booking.answer()
    }

    fn find(&self, find: &Find) -> Option<Known> {
        let booking = self.bookings.get(&find.key)?;
        Some(Known { answer: booking.answer(), progress: booking.progress() })
    }

    fn cancel(&mut self, cancel: &Cancel, now: DateTime<Utc>) -> CancelAnswer {
        match self.bookings.get_mut(&cancel.key) {
            Some(booking) if booking.picked_up_at.is_some() => return CancelAnswer::TooLate,
            Some(booking) if booking.is_waiting() => booking.cancelled_at = Some(now),
            // Nothing to pick up.
            Some(_) | None => {}
        }
        CancelAnswer::Cancelled
    }

    fn pick_up(&mut self, pick_up: &PickUp, pace: Pace, now: DateTime<Utc>) -> Visit {
        let Some(booking) = self.bookings.get_mut(&pick_up.key) else { return Visit::Nothing };
        let due = booking.booked_at + pace.pickup_after;
        if booking.is_waiting() && due > now {
            return Visit::TooEarly(due);
        }
        if booking.is_waiting() {
            booking.picked_up_at = Some(now);
        }
        booking.transit(pace).map_or(Visit::Nothing, Visit::PickedUp)
    }

    fn deliver(&mut self, deliver: &Deliver) -> bool {
        let booking = self.bookings.get_mut(&deliver.key);
        let carried = booking.filter(|booking| booking.picked_up_at.is_some() && booking.delivered_at.is_none());
        carried.map(|booking| booking.delivered_at = Some(deliver.at)).is_some()
    }
}

impl Booking {
    /// It was taken, and neither cancelled nor picked up.
    pub fn is_waiting(&self) -> bool {
        self.refused.is_none() && self.cancelled_at.is_none() && self.picked_up_at.is_none()
    }

    /// Where the parcel goes and when it arrives, while the carrier has it.
    pub fn transit(&self, pace: Pace) -> Option<Transit> {
        let deliver_at = self.picked_up_at.filter(|_| self.delivered_at.is_none())? + pace.deliver_after;
        Some(Transit { order_id: self.order_id, tracking_number: self.tracking_number.clone(), deliver_at })
    }

    fn answer(&self) -> BookAnswer {
        match &self.refused {
            Some(reason) => BookAnswer::Refused(reason.clone()),
            None => BookAnswer::Booked(domain::Booking {
                carrier: CARRIER.to_owned(),
                tracking_number: self.tracking_number.clone(),
                estimated_delivery: self.estimated_delivery,
            }),
        }
    }

    fn progress(&self) -> Option<Progress> {
        match (self.picked_up_at, self.delivered_at) {
            (_, Some(at)) => Some(Progress::Delivered { at }),
            (Some(_), None) => Some(Progress::PickedUp),
            (None, None) => None,
        }
    }
}

/// As customers know it.
const CARRIER: &str = "MockCarrier";

/// Where nobody drives.
fn refusal(book: &Book) -> Option<&'static str> {
    if *book.postal_code == "REFUSED" {
        Some("no service to this postal code")
    } else if *book.country == "AQ" {
        Some("no service to this country")
    } else {
        None
    }
}

/// `SHIP-` and twelve letters and digits without those that look alike (Crockford's base 32): the random end of an id.
fn tracking_number(id: Uuid) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digit = |place: u32| char::from(DIGITS[(id.as_u128() >> (5 * place)) as usize & 31]);
    std::iter::chain("SHIP-".chars(), (0..12).rev().map(digit)).collect()
}

macro_rules! commands {
    ($($command:ident -> $reply:ty),+ $(,)?) => {$(
        impl Command for $command {
            type Room = Depot;
            type Reply = $reply;
            type Refusal = Infallible;

            /// The carrier knows bookings by the shop's keys, which need not be ids.
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
            /// The key of the booking it is about.
            pub(super) fn booking(&self) -> &str {
                match self { $(Self::$command(command) => &command.key),+ }
            }
        }
    };
}

commands! {
    Book -> BookAnswer,
    Find -> Option<Known>,
    Cancel -> CancelAnswer,
    PickUp -> Visit,
    Deliver -> bool,
}
