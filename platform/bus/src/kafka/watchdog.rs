//! Notices a consumer that has partitions and records to read, and gets none, and lets it begin anew.

use std::time::{Duration, Instant};

use rdkafka::{Offset, TopicPartitionList, consumer::Consumer as _, error::KafkaError};
use tracing::{debug, warn};

use super::reader::Consumer;

/// How often it looks while nothing comes.
const POLL_INTERVAL: Duration = Duration::from_secs(15);
const WAIT_TIMEOUT: Duration = Duration::from_secs(3);

/// Where partitions stand, and where they end.
type Standing = (Vec<i64>, Vec<i64>);

pub(super) struct Watchdog {
    /// The last look, or the last record.
    at: Instant,
    /// Where it stood at the last look, if there was more to read.
    stood: Option<Vec<i64>>,
    /// Where it began anew, and where partitions ended then: if none has grown since, what is left there is not for us (an
    /// aborted transaction).
    left: Option<Standing>,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self { at: Instant::now(), stood: None, left: None }
    }
}

impl Watchdog {
    pub fn saw(&mut self, records: usize) {
        if records > 0 {
            *self = Self::default();
        }
    }

    pub fn look(&mut self, consumer: &Consumer, topics: &[&str]) {
        if self.at.elapsed() < POLL_INTERVAL {
            return;
        }
        self.at = Instant::now();
        let stands = match stands(consumer) {
            Ok(stands) => stands,
            Err(error) => return debug!(%error, "whether there is more to read cannot be asked now"),
        };
        let here = stands.as_ref().map(|(next, _)| next.clone());
        if here.is_some() && here == self.stood && stands != self.left {
            warn!(?topics, "there are records to read and none come: subscribing anew");
            consumer.unsubscribe();
            if let Err(error) = consumer.subscribe(topics) {
                warn!(%error, "subscribing anew failed");
            }
            self.left = stands;
        }
        self.stood = here;
    }
}

/// Where its partitions stand and end, if there is anything to read in one of them.
fn stands(consumer: &Consumer) -> Result<Option<Standing>, KafkaError> {
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
    let (mut stands, mut behind, mut more) = (Vec::new(), Vec::new(), false);
    for it in position.elements() {
        let at = |list: &TopicPartitionList| match list.find_partition(it.topic(), it.partition())?.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        let begin = at(&begins).unwrap_or(0);
        let next = at(&position).or_else(|| at(&committed)).unwrap_or(begin).max(begin);
        let end = at(&ends).unwrap_or(next);
        more |= next < end;
        stands.push(next);
        behind.push(end);
    }
    Ok(more.then_some((stands, behind)))
}
