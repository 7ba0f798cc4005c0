//! Detects a stalled consumer, which receives no records although its partitions have some, and subscribes it again.

use std::time::{Duration, Instant};

use rdkafka::{Offset, TopicPartitionList, consumer::Consumer as _, error::KafkaError};
use tracing::{debug, warn};

use super::reader::Consumer;

/// Interval of the checks while no records arrive.
const POLL_INTERVAL: Duration = Duration::from_secs(15);
const WAIT_TIMEOUT: Duration = Duration::from_secs(3);

/// The positions of the partitions, and their end offsets.
type Standing = (Vec<i64>, Vec<i64>);

pub(super) struct Watchdog {
    /// Time of the last check or the last record.
    at: Instant,
    /// The positions at the last check, if there were records to read.
    last: Option<Vec<i64>>,
    /// The positions and end offsets at the last new subscription. If they have not changed since, the remaining
    /// offsets hold no readable records (an aborted transaction), and another subscription would not help.
    resubscribed: Option<Standing>,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self { at: Instant::now(), last: None, resubscribed: None }
    }
}

impl Watchdog {
    pub fn observe(&mut self, records: usize) {
        if records > 0 {
            *self = Self::default();
        }
    }

    pub fn check(&mut self, consumer: &Consumer, topics: &[&str]) {
        if self.at.elapsed() < POLL_INTERVAL {
            return;
        }
        self.at = Instant::now();
        let standing = match standing(consumer) {
            Ok(standing) => standing,
            Err(error) => return debug!(%error, "the end offsets cannot be queried now"),
        };
        let here = standing.as_ref().map(|(next, _)| next.clone());
        if here.is_some() && here == self.last && standing != self.resubscribed {
            warn!(?topics, "the consumer receives no records although there are some: subscribing again");
            consumer.unsubscribe();
            if let Err(error) = consumer.subscribe(topics) {
                warn!(%error, "subscribing again failed");
            }
            self.resubscribed = standing;
        }
        self.last = here;
    }
}

/// The positions and end offsets of the consumer's partitions, if one of them has more to read.
fn standing(consumer: &Consumer) -> Result<Option<Standing>, KafkaError> {
    let position = consumer.position()?;
    if position.count() == 0 {
        return Ok(None);
    }
    let of = |offset: Offset| {
        let mut list = TopicPartitionList::new();
        for it in position.elements() {
            let _ = list.add_partition_offset(it.topic(), it.partition(), offset); // both are representable
        }
        consumer.offsets_for_times(list, WAIT_TIMEOUT)
    };
    let (begins, ends, committed) = (of(Offset::Beginning)?, of(Offset::End)?, consumer.committed(WAIT_TIMEOUT)?);
    let (mut positions, mut limits, mut more) = (Vec::new(), Vec::new(), false);
    for it in position.elements() {
        let at = |list: &TopicPartitionList| match list.find_partition(it.topic(), it.partition())?.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        let begin = at(&begins).unwrap_or(0);
        let next = at(&position).or_else(|| at(&committed)).unwrap_or(begin).max(begin);
        let end = at(&ends).unwrap_or(next);
        more |= next < end;
        positions.push(next);
        limits.push(end);
    }
    Ok(more.then_some((positions, limits)))
}
