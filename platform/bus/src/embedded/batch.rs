//! Batches of records that became durable together, and the ring of the newest batches in memory.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

use super::topics::Topics;
use crate::{BusError, Record, codec};

/// A record with the slot of its partition.
#[derive(Debug)]
pub struct Stored {
    pub slot: usize,
    pub record: Record,
}

/// Records in log order.
#[derive(Debug)]
pub struct Batch {
    pub records: Vec<Stored>,
    /// The sequence number after the last record. Missing numbers before `end` hold no record.
    pub end: i64,
}

impl Batch {
    pub fn bytes(&self) -> usize {
        self.records.iter().map(|it| it.record.message.size() + 64).sum()
    }

    /// The records with this sequence number or a later one.
    pub fn from(&self, sequence: i64) -> &[Stored] {
        &self.records[self.records.partition_point(|it| it.record.offset < sequence)..]
    }

    /// Decodes a row of the log. `first`: the sequence number of its first record.
    pub fn decode(blob: Bytes, first: i64, topics: &Topics) -> Result<Self, BusError> {
        let damaged = |what: String| BusError::Unavailable(format!("the log is damaged at record {first}: {what}"));
        let messages = codec::decode(blob).map_err(|error| damaged(error.to_string()))?;
        let mut records = Vec::with_capacity(messages.len());
        let mut offset = first;
        for one in messages {
            let topic = topics.get(&one.topic).map_err(|error| damaged(error.to_string()))?;
            let partition = topic.partition(&one.message.key, offset);
            let record = Record { topic: topic.name.clone(), partition, offset, message: one.message };
            records.push(Stored { slot: topic.slot(partition), record });
            offset += 1;
        }
        Ok(Self { records, end: offset })
    }
}

/// The newest batches, in memory, for readers near the end of the log.
#[derive(Debug)]
pub struct Ring {
    batches: VecDeque<Arc<Batch>>,
    /// The first sequence number in the ring.
    start: i64,
    bytes: usize,
    limit: usize,
}

impl Ring {
    pub fn new(start: i64, limit: usize) -> Self {
        Self { batches: VecDeque::new(), start, bytes: 0, limit }
    }

    pub fn push(&mut self, batch: Arc<Batch>) {
        self.bytes += batch.bytes();
        self.batches.push_back(batch);
        while self.bytes > self.limit && self.batches.len() > 1 {
            let oldest = self.batches.pop_front().expect("there are at least two batches");
            self.bytes -= oldest.bytes();
            self.start = oldest.end;
        }
    }

    /// A few batches from this sequence number on. `None`: the ring no longer holds this number.
    pub fn from(&self, sequence: i64) -> Option<Vec<Arc<Batch>>> {
        const FEW: usize = 32;
        (sequence >= self.start).then(|| {
            let index = self.batches.partition_point(|batch| batch.end <= sequence);
            self.batches.range(index..).take(FEW).cloned().collect()
        })
    }
}
