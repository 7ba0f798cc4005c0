//! What is to be done when: pure, the rounds only ask it.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    booking::{Pace, Transit},
    store::Booking,
};

/// Something to be done about one booking.
#[derive(Debug, Clone, PartialEq)]
pub struct Errand {
    pub due: DateTime<Utc>,
    /// So many attempts have failed.
    pub failures: u32,
    /// Of the booking.
    pub key: String,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Pick the parcel up.
    PickUp,
    /// Tell the shop that it was picked up.
    TellPickedUp(Transit),
    /// Deliver it, and tell the shop.
    Deliver(Transit),
}

impl Errand {
    pub fn new(due: DateTime<Utc>, key: String, what: What) -> Self {
        Self { due, failures: 0, key, what }
    }

    /// The next thing to do about a booking, if anything. Whether the shop has heard of a pick-up is not written down: it
    /// is told again, which is harmless.
    pub fn of(booking: Booking, pace: Pace) -> Option<Self> {
        if booking.is_waiting() {
            return Some(Self::new(booking.booked_at + pace.pickup_after, booking.key, What::PickUp));
        }
        let transit = booking.transit(pace)?;
        Some(Self::new(booking.picked_up_at?, booking.key, What::TellPickedUp(transit)))
    }

    /// It did not work: again after 20 ms, 40 ms … 5 s.
    #[must_use]
    pub fn again(self, now: DateTime<Utc>) -> Self {
        let wait = TimeDelta::milliseconds((20 << self.failures.min(8)).min(5000));
        Self { due: now + wait, failures: self.failures + 1, ..self }
    }
}

/// Errands in the order in which they are due.
#[derive(Debug, Default)]
pub struct Queue(BinaryHeap<Reverse<ByTime>>);

#[derive(Debug)]
struct ByTime(Errand);

impl Queue {
    pub fn push(&mut self, errand: Errand) {
        self.0.push(Reverse(ByTime(errand)));
    }

    /// The one that is due for the longest time.
    pub fn take_due(&mut self, now: DateTime<Utc>) -> Option<Errand> {
        self.next_due().filter(|due| *due <= now)?;
        self.0.pop().map(|Reverse(ByTime(errand))| errand)
    }

    /// When the next one is due.
    pub fn next_due(&self) -> Option<DateTime<Utc>> {
        self.0.peek().map(|Reverse(ByTime(errand))| errand.due)
    }
}

impl Extend<Errand> for Queue {
    fn extend<T: IntoIterator<Item = Errand>>(&mut self, errands: T) {
        self.0.extend(errands.into_iter().map(|errand| Reverse(ByTime(errand))));
    }
}

impl Ord for ByTime {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.due.cmp(&other.0.due)
    }
}
impl PartialOrd for ByTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for ByTime {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for ByTime {}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::{Errand, Queue, What};

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis)
    }

    #[test]
    fn what_is_due_comes_in_the_order_of_time() {
        let mut queue = Queue::default();
        for due in [30, 10, 20, 40] {
            queue.push(Errand::new(at(due), due.to_string(), What::PickUp));
        }
        assert_eq!(queue.next_due(), Some(at(10)));
        let due: Vec<String> = std::iter::from_fn(|| queue.take_due(at(30))).map(|errand| errand.key).collect();
        assert_eq!(due, ["10", "20", "30"]);
        assert_eq!((queue.take_due(at(39)), queue.next_due()), (None, Some(at(40))));
    }

    #[test]
    fn failures_make_it_wait_longer_but_not_too_long() {
        let mut errand = Errand::new(at(0), "k".into(), What::PickUp);
        let mut waits = vec![];
        for _ in 0..12 {
            errand = errand.again(at(0));
            waits.push((errand.due - at(0)).num_milliseconds());
        }
        assert_eq!(waits, [20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000, 5000, 5000]);
    }
}
