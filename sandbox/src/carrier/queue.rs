//! Jobs in the order in which they are due.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Pace, Transit, store::Booking};

/// Work for one booking.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub due: DateTime<Utc>,
    /// Failed attempts.
    pub failures: u32,
    /// Key of the booking.
    pub key: String,
    pub kind: JobKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum JobKind {
    /// Pick the parcel up.
    PickUp,
    /// Send the update that the parcel was picked up.
    SendPickedUp(Transit),
    /// Send the update of the delivery, and deliver the parcel.
    Deliver(Transit),
}

impl Job {
    pub fn new(due: DateTime<Utc>, key: String, kind: JobKind) -> Self {
        Self { due, failures: 0, key, kind }
    }

    /// The next job of a booking. Whether the shop has accepted the update of a pick-up is not
    /// saved: it is sent again, which is harmless.
    pub fn of(booking: Booking, pace: Pace) -> Option<Self> {
        if booking.is_waiting() {
            return Some(Self::new(booking.booked_at + pace.pickup_after, booking.key, JobKind::PickUp));
        }
        let transit = booking.transit(pace)?;
        Some(Self::new(booking.picked_up_at?, booking.key, JobKind::SendPickedUp(transit)))
    }

    /// The job after a failure, delayed by 20 ms, 40 ms … 5 s.
    #[must_use]
    pub fn retry(self, now: DateTime<Utc>) -> Self {
        let wait = TimeDelta::milliseconds((20 << self.failures.min(8)).min(5000));
        Self { due: now + wait, failures: self.failures + 1, ..self }
    }
}

/// Jobs in the order in which they are due.
#[derive(Debug, Default)]
pub struct Queue(BinaryHeap<Reverse<ByTime>>);

#[derive(Debug)]
struct ByTime(Job);

impl Queue {
    pub fn push(&mut self, job: Job) {
        self.0.push(Reverse(ByTime(job)));
    }

    /// Removes the job that has been due for the longest time.
    pub fn take_due(&mut self, now: DateTime<Utc>) -> Option<Job> {
        self.next_due().filter(|due| *due <= now)?;
        self.0.pop().map(|Reverse(ByTime(job))| job)
    }

    /// When the next one is due.
    pub fn next_due(&self) -> Option<DateTime<Utc>> {
        self.0.peek().map(|Reverse(ByTime(job))| job.due)
    }
}

impl Extend<Job> for Queue {
    fn extend<T: IntoIterator<Item = Job>>(&mut self, jobs: T) {
        self.0.extend(jobs.into_iter().map(|job| Reverse(ByTime(job))));
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

    use super::{Job, JobKind, Queue};

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis)
    }

    #[test]
    fn what_is_due_comes_in_the_order_of_time() {
        let mut queue = Queue::default();
        for due in [30, 10, 20, 40] {
            queue.push(Job::new(at(due), due.to_string(), JobKind::PickUp));
        }
        assert_eq!(queue.next_due(), Some(at(10)));
        let due: Vec<String> = std::iter::from_fn(|| queue.take_due(at(30))).map(|job| job.key).collect();
        assert_eq!(due, ["10", "20", "30"]);
        assert_eq!((queue.take_due(at(39)), queue.next_due()), (None, Some(at(40))));
    }

    #[test]
    fn failures_make_it_wait_longer_but_not_too_long() {
        let mut job = Job::new(at(0), "k".into(), JobKind::PickUp);
        let mut waits = vec![];
        for _ in 0..12 {
            job = job.retry(at(0));
            waits.push((job.due - at(0)).num_milliseconds());
        }
        assert_eq!(waits, [20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000, 5000, 5000]);
    }
}
