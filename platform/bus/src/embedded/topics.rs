//! The topics of the log. Every partition has a *slot*: a small number that indexes arrays. Slots are not stored: they
//! can differ in the next run.

use std::{collections::HashMap, sync::Arc};

use crate::{BusError, Partition, TopicSpec};

/// A topic of the log.
#[derive(Debug)]
pub struct Topic {
    pub name: Arc<str>,
    pub partitions: i32,
    pub compacted: bool,
    /// The slot of partition 0. The other partitions have the following slots.
    first_slot: usize,
}

impl Topic {
    pub fn slot(&self, partition: i32) -> usize {
        self.first_slot + usize::try_from(partition).expect("a partition is not negative")
    }
}

/// All topics. Immutable: a new topic makes a new `Topics`.
#[derive(Debug, Default, Clone)]
pub struct Topics {
    by_name: HashMap<Arc<str>, Arc<Topic>>,
    slots: Vec<Partition>,
}

impl Topics {
    /// A copy with more topics. Existing topics do not change.
    pub fn with(&self, specs: impl IntoIterator<Item = TopicSpec>) -> Self {
        let mut topics = self.clone();
        for TopicSpec { name, partitions, compacted, .. } in specs {
            if topics.find(&name).is_none() {
                let topic = Topic { name: name.clone(), partitions, compacted, first_slot: topics.slots.len() };
                topics.slots.extend((0..partitions).map(|partition| Partition { topic: name.clone(), partition }));
                topics.by_name.insert(name, Arc::new(topic));
            }
        }
        topics
    }

    pub fn find(&self, name: &str) -> Option<&Arc<Topic>> {
        self.by_name.get(name)
    }

    pub fn get(&self, name: &str) -> Result<&Arc<Topic>, BusError> {
        self.find(name).ok_or_else(|| BusError::UnknownTopic(name.to_owned()))
    }

    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    pub fn partition(&self, slot: usize) -> &Partition {
        &self.slots[slot]
    }

    pub fn slot(&self, partition: &Partition) -> Option<usize> {
        let topic = self.find(&partition.topic)?;
        (0..topic.partitions).contains(&partition.partition).then(|| topic.slot(partition.partition))
    }

    /// The slots of these topics.
    pub fn slots_of(&self, names: &[Arc<str>]) -> Result<Vec<usize>, BusError> {
        let mut slots = Vec::new();
        for name in names {
            let topic = self.get(name)?;
            slots.extend((0..topic.partitions).map(|partition| topic.slot(partition)));
        }
        slots.sort_unstable();
        slots.dedup();
        Ok(slots)
    }
}
