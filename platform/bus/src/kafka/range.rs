//! Reads a range of a partition.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
};

use super::{
    KafkaOptions,
    convert::{record, setup},
    health::{Health, HealthContext},
    metadata::{MetadataClient, offsets},
    names::Names,
};
use crate::{BusError, Partition, Record};

/// How long a read may take.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads up to `most` records from this offset on. Must be called in a thread that may block.
pub(super) fn read(
    options: &KafkaOptions,
    metadata: &MetadataClient,
    health: &Arc<Health>,
    partition: &Partition,
    from: i64,
    most: usize,
) -> Result<Vec<Record>, BusError> {
    let names = Names::new(options, std::slice::from_ref(&partition.topic));
    let actual = names.actual()[0];
    let unknown = || BusError::UnknownTopic(format!("{} [{}]", partition.topic, partition.partition));
    let seen = metadata.topic(actual, &partition.topic)?.ok_or_else(unknown)?;
    if !(0..seen.partitions).contains(&partition.partition) {
        return Err(unknown());
    }
    let mut list = TopicPartitionList::new();
    list.add_partition(actual, partition.partition);
    let place =
        |which| metadata.places(&list, which).map(|it| offsets(&it, &names).get(partition).copied().unwrap_or(0));
    let (begin, end) = (place(Offset::Beginning)?, place(Offset::End)?);
    let mut records = Vec::new();
    if from >= end || most == 0 {
        return Ok(records);
    }

    let mut config = options.reader();
    config.set("enable.partition.eof", "true"); // the last offsets may hold no records
    let client: BaseConsumer<HealthContext> =
        config.create_with_context(HealthContext(health.clone())).map_err(|error| setup(&error))?;
    let mut start = TopicPartitionList::new();
    let assigned = start
        .add_partition_offset(actual, partition.partition, Offset::Offset(from.max(begin)))
        .and_then(|()| client.assign(&start));
    assigned.map_err(|error| BusError::Unavailable(error.to_string()))?;
    let polling_since = Instant::now();
    while records.len() < most {
        match client.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                let is_last = message.offset() + 1 >= end;
                records.push(record(&message, partition.topic.clone()));
                if is_last {
                    break;
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => break,
            Some(Err(error)) if polling_since.elapsed() > WAIT_TIMEOUT => {
                return Err(BusError::Unavailable(error.to_string()));
            }
            None if polling_since.elapsed() > WAIT_TIMEOUT => {
                return Err(BusError::Unavailable(format!("reading {} takes too long", partition.topic)));
            }
            Some(Err(_)) | None => {}
        }
    }
    Ok(records)
}
