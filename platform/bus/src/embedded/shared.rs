//! The state that the writer and all readers share.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, mpsc::Sender},
};

use tokio::sync::watch;

use super::{
    batch::{Batch, Ring},
    file::{Contents, Readers},
    group::Group,
    topics::Topics,
    writer::Request,
};
use crate::{BusError, Partition, Record, TopicSpec};

/// Guarded by one lock. The lock must not be held during file access or an `await`: all readers and publishers
/// would wait.
#[derive(Debug)]
pub struct State {
    pub topics: Arc<Topics>,
    pub ring: Ring,
    /// The next sequence number. All records before it are durable.
    pub head: i64,
    /// Number of records appended since the log was opened, by slot.
    pub appended: Vec<i64>,
    pub groups: HashMap<Arc<str>, Group>,
    /// Records before this number are removed, except those that compaction keeps.
    pub pruned: i64,
    /// The writer has been asked to write positions and has not done so yet.
    pub write_requested: bool,
    /// The reason why the last write failed.
    pub write_failure: Option<String>,
    pub closed: bool,
}

impl State {
    pub fn new(contents: Contents, ring_bytes: usize) -> Self {
        let Contents { topics, positions, head } = contents;
        let topics = Topics::default().with(topics);
        let mut groups = HashMap::<Arc<str>, Group>::new();
        for (group, topic, partition, next) in positions {
            let Some(slot) = topics.slot(&Partition { topic: topic.into(), partition }) else { continue };
            groups.entry(group.into()).or_insert_with(|| Group::new(topics.slots())).restore(slot, next);
        }
        Self {
            appended: vec![0; topics.slots()],
            topics: Arc::new(topics),
            ring: Ring::new(head, ring_bytes),
            head,
            groups,
            pruned: 0,
            write_requested: false,
            write_failure: None,
            closed: false,
        }
    }

    /// Adds the new ones among these topics. Existing slots do not change.
    pub fn add_topics(&mut self, specs: Vec<TopicSpec>) {
        let topics = self.topics.with(specs);
        self.appended.resize(topics.slots(), 0);
        self.groups.values_mut().for_each(|group| group.resize(topics.slots()));
        self.topics = Arc::new(topics);
    }

    /// Makes durable records visible to all readers.
    pub fn append(&mut self, batches: Vec<Arc<Batch>>) {
        for batch in batches {
            for stored in &batch.records {
                self.appended[stored.slot] += 1;
            }
            self.head = batch.end;
            self.ring.push(batch);
        }
    }
}

#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    requests: Sender<Request>,
    readers: Readers,
    /// Notified when the head changes and when the log is closed.
    wake: watch::Sender<()>,
}

pub fn closed() -> BusError {
    BusError::Unavailable("the log is closed".into())
}

impl Shared {
    pub fn new(path: &Path, state: State, requests: Sender<Request>) -> Self {
        Self { state: Mutex::new(state), requests, readers: Readers::new(path), wake: watch::Sender::new(()) }
    }

    /// The state, even if the log is closed.
    pub fn any_state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding it")
    }

    pub fn state(&self) -> Result<MutexGuard<'_, State>, BusError> {
        let state = self.any_state();
        if state.closed { Err(closed()) } else { Ok(state) }
    }

    pub fn request(&self, request: Request) -> Result<(), BusError> {
        self.requests.send(request).map_err(|_| closed())
    }

    pub fn wake(&self) {
        self.wake.send_replace(());
    }

    pub fn watch(&self) -> watch::Receiver<()> {
        self.wake.subscribe()
    }

    /// Makes the writer store changed positions.
    pub fn request_write(&self, mut state: MutexGuard<'_, State>) {
        if !std::mem::replace(&mut state.write_requested, true) {
            let _ = self.requests.send(Request::Positions); // an error means closed: `close` wrote them
        }
    }

    pub fn end(&self) {
        self.any_state().closed = true;
        self.readers.close();
        self.wake();
    }

    /// Some batches from this number on, from memory or the file; at least one. Blocks.
    pub fn batches(&self, from: i64, upto: i64) -> Result<Vec<Arc<Batch>>, BusError> {
        let topics = {
            let state = self.state()?;
            if let Some(batches) = state.ring.from(from).filter(|batches| !batches.is_empty()) {
                return Ok(batches);
            }
            state.topics.clone()
        };
        Ok(self.readers.read(from, upto, &topics)?.into_iter().map(Arc::new).collect())
    }

    /// Calls `each` for each batch between these numbers, until `each` returns `false`. Blocks.
    pub fn scan(&self, from: i64, upto: i64, mut each: impl FnMut(&Batch) -> bool) -> Result<(), BusError> {
        let mut at = from;
        while at < upto {
            for batch in self.batches(at, upto)? {
                if !each(&batch) {
                    return Ok(());
                }
                at = at.max(batch.end);
            }
        }
        Ok(())
    }

    /// Up to `most` records of a partition. Blocks.
    pub fn collect(&self, slot: usize, from: i64, upto: i64, most: usize) -> Result<Vec<Record>, BusError> {
        let mut records = Vec::new();
        self.scan(from, upto, |batch| {
            let ours = batch.from(from).iter().filter(|it| it.slot == slot && it.record.offset < upto);
            records.extend(ours.take(most - records.len()).map(|it| it.record.clone()));
            records.len() < most
        })?;
        Ok(records)
    }

    /// Runs `work` on a thread that may block.
    pub async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let shared = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&shared)).await;
        done.unwrap_or_else(|error| Err(BusError::Unavailable(format!("reading the log: {error}"))))
    }
}
