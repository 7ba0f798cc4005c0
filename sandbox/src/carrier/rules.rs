//! The carrier's rules. No I/O.

use chrono::{DateTime, Utc};
use saga::Consequences;
use uuid::Uuid;

use super::{
    Book, BookAnswer, BookingStatus, Cancel, CancelAnswer, Confirmation, Deliver, Find, Pace, PickUp, PickUpAnswer,
    Progress, Transit,
    store::{Booking, Work},
};

impl Work {
    pub(super) fn book(&mut self, book: &Book, pace: Pace, out: &mut Consequences) -> BookAnswer {
        if let Some(booking) = self.bookings.get(&book.key) {
            return booking.answer();
        }
        let booking = self.bookings.insert(Booking {
            key: book.key.clone(),
            order_id: book.order_id,
            tracking_number: tracking_number(out.new_id()),
            refused: refusal(book).map(str::to_owned),
            estimated_delivery: out.now() + pace.pickup_after + pace.deliver_after,
            booked_at: out.now(),
            cancelled_at: None,
            picked_up_at: None,
            delivered_at: None,
        });
        booking.answer()
    }

    pub(super) fn find(&self, find: &Find) -> Option<BookingStatus> {
        let booking = self.bookings.get(&find.key)?;
        Some(BookingStatus { answer: booking.answer(), progress: booking.progress() })
    }

    pub(super) fn cancel(&mut self, cancel: &Cancel, now: DateTime<Utc>) -> CancelAnswer {
        match self.bookings.get_mut(&cancel.key) {
            Some(booking) if booking.picked_up_at.is_some() => return CancelAnswer::TooLate,
            Some(booking) if booking.is_waiting() => booking.cancelled_at = Some(now),
            // Nothing to pick up.
            Some(_) | None => {}
        }
        CancelAnswer::Cancelled
    }

    pub(super) fn pick_up(&mut self, pick_up: &PickUp, pace: Pace, now: DateTime<Utc>) -> PickUpAnswer {
        let Some(booking) = self.bookings.get_mut(&pick_up.key) else { return PickUpAnswer::Nothing };
        let due = booking.booked_at + pace.pickup_after;
        if booking.is_waiting() && due > now {
            return PickUpAnswer::TooEarly(due);
        }
        if booking.is_waiting() {
            booking.picked_up_at = Some(now);
        }
        booking.transit(pace).map_or(PickUpAnswer::Nothing, PickUpAnswer::PickedUp)
    }

    pub(super) fn deliver(&mut self, deliver: &Deliver) -> bool {
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
            None => BookAnswer::Booked(Confirmation {
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

/// `SHIP-` and twelve letters and digits without those that look alike (Crockford's base 32): the
/// random end of an id.
fn tracking_number(id: Uuid) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digit = |place: u32| char::from(DIGITS[(id.as_u128() >> (5 * place)) as usize & 31]);
    std::iter::chain("SHIP-".chars(), (0..12).rev().map(digit)).collect()
}
