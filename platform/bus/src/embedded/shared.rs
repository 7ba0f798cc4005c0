//! What the writer and all readers share.

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

/// Guarded by one lock that is held for moments only: never while a file is touched or something is awaited.
#[derive(Debug)]
pub struct State {
    pub topics: Arc<Topics>,
    pub ring: Ring,
    /// The sequence number that comes next; everything before is durable.
    pub head: i64,
    /// Records appended since the log was opened, by slot.
    pub appended: Vec<i64>,
    pub groups: HashMap<Arc<str>, Group>,
    /// Everything before is pruned, except what compaction keeps.
    pub pruned: i64,
    /// The writer knows that there are positions to be written.
    pub nudged: bool,
    /// Why the last write failed.
    pub sick: Option<String>,
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
            nudged: false,
            sick: None,
            closed: false,
        }
    }

    /// Those that are new. Slots stay.
    pub fn add_topics(&mut self, specs: Vec<TopicSpec>) {
        let topics = self.topics.with(specs);
        self.appended.resize(topics.slots(), 0);
        self.groups.values_mut().for_each(|group| group.resize(topics.slots()));
        self.topics = Arc::new(topics);
    }

    /// They are durable: everybody may see them.
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
    /// Changes with the head, and when the log is closed.
    wake: watch::Sender<()>,
}

pub fn closed() -> BusError {
    BusError::Unavailable("the log is closed".into())
}

impl Shared {
    pub fn new(path: &Path, state: State, requests: Sender<Request>) -> Self {
        Self { state: Mutex::new(state), requests, readers: Readers::new(path), wake: watch::Sender::new(()) }
    }

    /// Also when closed.
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

    /// The positions of a group have changed: see to it that they are written.
    pub fn nudge(&self, mut state: MutexGuard<'_, State>) {
        if !std::mem::replace(&mut state.nudged, true) {
            let _ = self.requests.send(Request::Positions); // an error: closed, and they were written then
        }
    }

    pub fn end(&self) {
        self.any_state().closed = true;
        self.readers.close();
        self.wake();
    }

    /// Some batches from here on, from memory or the file; never none. Blocking.
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

    /// Calls for each batch between these numbers, until the callback stops it. Blocking.
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

    /// Up to `most` records of a partition. Blocking.
    pub fn collect(&self, slot: usize, from: i64, upto: i64, most: usize) -> Result<Vec<Record>, BusError> {
        let mut records = Vec::new();
        self.scan(from, upto, |batch| {
            let ours = batch.from(from).iter().filter(|it| it.slot == slot && it.record.offset < upto);
            records.extend(ours.take(most - records.len()).map(|it| it.record.clone()));
            records.len() < most
        })?;
        Ok(records)
    }

    /// On a thread where it may block.
    pub async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let shared = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&shared)).await;
        done.unwrap_or_else(|error| Err(BusError::Unavailable(format!("reading the log: {error}"))))
    }
}
