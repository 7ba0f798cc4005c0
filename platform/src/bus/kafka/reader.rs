//! A consumer and the thread that serves it: takes from the library whatever is there, and keeps it for who asks.
//!
//! The library wants its consumer served all the time (rebalances wait for it), however slow the one is who processes
//! records. So when enough is kept, partitions are paused instead.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext, Message as _, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance},
    error::{KafkaError, RDKafkaErrorCode as Code},
};
use tokio::sync::{Notify, watch};
use tracing::{debug, warn};

use super::{
    closed,
    convert::{record, setup},
    health::{self, Health},
    names::Names,
    watchdog::Watchdog,
};
use crate::bus::{BusError, Partition, Position, Record, Taken};

/// Records kept for who asks, at most; and their bytes.
const KEPT: usize = 4000;
const KEPT_BYTES: usize = 8 << 20;
/// Records taken from the library before they are handed over.
const AT_ONCE: usize = 500;
/// How long the library may wait for something before the thread looks whether it is to stop.
const WAIT: Duration = Duration::from_millis(100);
/// How long who is slow is waited for before partitions are paused.
const SLOW: Duration = Duration::from_millis(500);

pub(super) type Consumer = BaseConsumer<Events>;

/// What thread, member and bus have in common.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Something is there for who asks.
    filled: Notify,
    /// There is room again, or it is time to stop.
    drained: Condvar,
    ended: watch::Sender<bool>,
    pub names: Names,
    /// Consumer group; empty when it reads without.
    pub group: String,
}

#[derive(Default)]
struct State {
    records: VecDeque<Record>,
    bytes: usize,
    assigned: Vec<Partition>,
    revoked: Vec<Partition>,
    /// Our partitions, and up to where they are dealt with, as far as that happened here.
    ours: BTreeMap<Partition, Progress>,
    /// Some of that the library does not know yet.
    unsaid: bool,
    failure: Option<BusError>,
    /// No record will ever come again.
    broken: Option<String>,
    stop: bool,
}

#[derive(Default, Clone, Copy)]
struct Progress {
    next: Option<i64>,
    said: Option<i64>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn partition(&self, actual: &str, partition: i32) -> Partition {
        Partition { topic: self.names.logical(actual), partition }
    }

    fn partitions(&self, list: &TopicPartitionList) -> Vec<Partition> {
        list.elements().iter().map(|it| self.partition(it.topic(), it.partition())).collect()
    }

    /// Waits until something is there. What is handed out is not kept, so nothing may be awaited after that.
    pub async fn next(&self, most: usize) -> Result<Taken, BusError> {
        loop {
            {
                let mut state = self.state();
                if state.stop {
                    return Err(closed());
                }
                if let Some(failure) = state.failure.take() {
                    return Err(failure);
                }
                if !state.records.is_empty() || !state.assigned.is_empty() || !state.revoked.is_empty() {
                    return Ok(self.take(&mut state, most.max(1)));
                }
                if let Some(why) = &state.broken {
                    return Err(BusError::Unavailable(why.clone()));
                }
            }
            self.filled.notified().await;
        }
    }

    fn take(&self, state: &mut State, most: usize) -> Taken {
        let was_full = state.is_full();
        let count = most.min(state.records.len());
        let records: Vec<_> = state.records.drain(..count).collect();
        state.bytes -= records.iter().map(|it| it.message.size()).sum::<usize>();
        if was_full && !state.is_full() {
            self.drained.notify_all();
        }
        if !state.records.is_empty() {
            self.filled.notify_one(); // for the next call
        }
        Taken { records, assigned: std::mem::take(&mut state.assigned), revoked: std::mem::take(&mut state.revoked) }
    }

    /// Notes what is dealt with; the thread says it. Of a partition that is not ours (any more) nothing is noted.
    pub fn commit(&self, upto: &[Position]) {
        let mut state = self.state();
        for Position { partition, next } in upto {
            if let Some(progress) = state.ours.get_mut(partition) {
                progress.next = progress.next.max(Some(*next));
                state.unsaid |= progress.next != progress.said;
            }
        }
    }

    /// Up to where our partitions are dealt with, as far as that happened here.
    pub fn positions(&self) -> Vec<Position> {
        let state = self.state();
        let known = |(partition, progress): (&Partition, &Progress)| {
            progress.next.map(|next| Position { partition: partition.clone(), next })
        };
        state.ours.iter().filter_map(known).collect()
    }

    /// Makes the thread end. It leaves the group, and says before what is dealt with.
    pub fn stop(&self) {
        let mut state = self.state();
        state.stop = true;
        state.records.clear();
        state.bytes = 0;
        drop(state);
        self.drained.notify_all();
        self.filled.notify_one();
    }

    /// Until the thread has ended. The library can hang while it leaves, so this is to be bounded by who waits.
    pub async fn ended(&self) {
        let mut ended = self.ended.subscribe();
        let _ = ended.wait_for(|ended| *ended).await; // an error: it is gone altogether
    }

    fn hand_over(&self, chunk: &mut Vec<Record>) {
        let mut state = self.state();
        let state = &mut *state;
        if state.stop || chunk.is_empty() {
            chunk.clear();
            return;
        }
        let mut last: Option<(Arc<str>, i32)> = None; // records come in runs of one partition
        for record in chunk.drain(..) {
            let same = last
                .as_ref()
                .is_some_and(|(topic, number)| *number == record.partition && Arc::ptr_eq(topic, &record.topic));
            if !same {
                let partition = Partition { topic: record.topic.clone(), partition: record.partition };
                if !state.ours.contains_key(&partition) {
                    continue; // given away meanwhile
                }
                last = Some((partition.topic, partition.partition));
            }
            state.bytes += record.message.size();
            state.records.push_back(record);
        }
        self.filled.notify_one();
    }

    fn assign(&self, partitions: Vec<Partition>) {
        let mut state = self.state();
        for partition in &partitions {
            state.ours.insert(partition.clone(), Progress::default());
        }
        state.assigned.extend(partitions);
        drop(state);
        self.filled.notify_one();
    }

    fn revoke(&self, partitions: &[Partition]) {
        let mut state = self.state();
        let state = &mut *state;
        for partition in partitions {
            state.ours.remove(partition);
            // Who has not heard yet that it came need not hear that it went.
            match state.assigned.iter().position(|it| it == partition) {
                Some(unheard) => drop(state.assigned.swap_remove(unheard)),
                None => state.revoked.push(partition.clone()),
            }
        }
        let (ours, bytes) = (&state.ours, &mut state.bytes);
        state.records.retain(|it| {
            let ours = ours.contains_key(&Partition { topic: it.topic.clone(), partition: it.partition });
            *bytes -= if ours { 0 } else { it.message.size() };
            ours
        });
        self.filled.notify_one();
    }

    fn fail(&self, failure: BusError) {
        self.state().failure = Some(failure);
        self.filled.notify_one();
    }

    /// What the library is to be told.
    fn unsaid(&self, of: Option<&[Partition]>) -> Option<TopicPartitionList> {
        let mut state = self.state();
        if !state.unsaid {
            return None;
        }
        state.unsaid = of.is_some();
        let mut list = TopicPartitionList::new();
        for (partition, progress) in &mut state.ours {
            if of.is_some_and(|some| !some.contains(partition)) || progress.next == progress.said {
                continue;
            }
            if let (Some(next), Some(actual)) = (progress.next, self.names.actual_of(&partition.topic)) {
                progress.said = progress.next;
                drop(list.add_partition_offset(actual, partition.partition, Offset::Offset(next)));
            }
        }
        (list.count() > 0).then_some(list)
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.records.len() >= KEPT || self.bytes >= KEPT_BYTES
    }
}

/// What the library tells a consumer besides records. Called in the thread, while it polls.
pub(super) struct Events {
    health: Arc<Health>,
    shared: Arc<Shared>,
}

impl ClientContext for Events {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        health::log(level, facility, message);
    }

    fn error(&self, cause: KafkaError, reason: &str) {
        health::error(&self.health, &cause, reason);
        let who = self.health.who();
        let refused = match cause.rdkafka_error_code() {
            Some(Code::TopicAuthorizationFailed) => format!("{who} is not allowed to read a topic: {reason}"),
            Some(Code::GroupAuthorizationFailed) if !self.shared.group.is_empty() => {
                format!("{who} is not allowed to use the consumer group {}", self.shared.group)
            }
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => {
                return self.shared.fail(BusError::UnknownTopic(reason.to_owned()));
            }
            _ => return,
        };
        self.health.refuse(&self.shared.group, &refused);
        self.shared.fail(BusError::Refused(refused));
    }
}

impl ConsumerContext for Events {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            let partitions = self.shared.partitions(list);
            debug!(group = self.shared.group, ?partitions, "partitions are given away");
            // What is dealt with is said before the next one begins there.
            say(consumer, self.shared.unsaid(Some(&partitions)));
            self.shared.revoke(&partitions);
            let _ = consumer.resume(list); // or one that rests would still do so when it comes back
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            let partitions = self.shared.partitions(list);
            debug!(group = self.shared.group, ?partitions, "partitions are ours");
            self.health.well_again();
            self.health.allow(&self.shared.group);
            self.shared.assign(partitions);
        }
    }
}

fn say(consumer: &Consumer, positions: Option<TopicPartitionList>) {
    if let Some(positions) = positions
        && let Err(error) = consumer.store_offsets(&positions)
    {
        debug!(%error, "positions are not noted; repeats are possible");
    }
}

/// How a consumer comes to its partitions.
pub(super) enum From {
    /// As a member of its group.
    Group,
    /// These, from these places on.
    Places(TopicPartitionList),
}

/// Makes a consumer and the thread that serves it.
pub(super) fn start(
    config: &ClientConfig,
    health: &Arc<Health>,
    names: Names,
    group: &str,
    from: &From,
) -> Result<Arc<Shared>, BusError> {
    let shared = Arc::new(Shared {
        state: Mutex::default(),
        filled: Notify::new(),
        drained: Condvar::new(),
        ended: watch::Sender::new(false),
        names,
        group: group.to_owned(),
    });
    let events = Events { health: health.clone(), shared: shared.clone() };
    let consumer: Consumer = config.create_with_context(events).map_err(|error| setup(&error))?;
    let begun = match from {
        From::Group => consumer.subscribe(&shared.names.actual()),
        From::Places(places) => {
            consumer.incremental_assign(places).inspect(|()| shared.assign(shared.partitions(places)))
        }
    };
    begun.map_err(|error| BusError::Setup(format!("topics cannot be read: {error}")))?;
    let thread = Thread { consumer, shared: shared.clone(), health: health.clone(), paused: false };
    let member = matches!(from, From::Group);
    std::thread::Builder::new()
        .name("kafka-read".into())
        .spawn(move || thread.run(member))
        .map_err(|error| BusError::Setup(format!("no thread for Kafka: {error}")))?;
    Ok(shared)
}

struct Thread {
    consumer: Consumer,
    shared: Arc<Shared>,
    health: Arc<Health>,
    paused: bool,
}

impl Thread {
    fn run(mut self, member: bool) {
        let mut chunk = Vec::with_capacity(AT_ONCE);
        let mut watchdog = Watchdog::default();
        while self.has_room() {
            let wait = if self.paused { SLOW } else { WAIT };
            let begun = Instant::now();
            self.take(&mut chunk, wait);
            watchdog.saw(chunk.len());
            self.shared.hand_over(&mut chunk);
            say(&self.consumer, self.shared.unsaid(None));
            if member && !self.paused && begun.elapsed() >= WAIT / 2 {
                watchdog.look(&self.consumer, &self.shared.names.actual());
            }
        }
        say(&self.consumer, self.shared.unsaid(None));
        let Self { consumer, shared, .. } = self;
        drop(consumer); // says good-bye
        shared.ended.send_replace(true);
    }

    /// `false`: it is time to stop. While there is none, partitions rest, and nothing but rebalances comes.
    fn has_room(&mut self) -> bool {
        let mut state = self.shared.state();
        if state.is_full() && !self.paused {
            let full = |state: &mut State| state.is_full() && !state.stop;
            (state, _) =
                self.shared.drained.wait_timeout_while(state, SLOW, full).unwrap_or_else(PoisonError::into_inner);
        }
        let (full, stop) = (state.is_full(), state.stop);
        drop(state);
        if full != self.paused && !stop {
            self.pause(full);
        } else if full && let Ok(ours) = self.consumer.assignment() {
            let _ = self.consumer.pause(&ours); // those that have come meanwhile, too
        }
        !stop
    }

    fn pause(&mut self, pause: bool) {
        let paused = self
            .consumer
            .assignment()
            .and_then(|ours| if pause { self.consumer.pause(&ours) } else { self.consumer.resume(&ours) });
        match paused {
            Ok(()) => self.paused = pause,
            Err(error) => warn!(%error, pause, "partitions cannot be paused or resumed"),
        }
    }

    /// Waits for a record and takes what else is there.
    fn take(&mut self, chunk: &mut Vec<Record>, wait: Duration) {
        let mut wait = wait;
        while chunk.len() < AT_ONCE
            && let Some(polled) = self.consumer.poll(wait)
        {
            match polled {
                Ok(message) => {
                    let topic = self.shared.names.logical(message.topic());
                    chunk.push(record(&message, topic));
                    wait = Duration::ZERO;
                }
                Err(error) => {
                    self.failed(&error);
                    break;
                }
            }
        }
        if !chunk.is_empty() {
            self.health.well_again();
        }
    }

    /// Most errors are of the moment, and known to `Events`.
    fn failed(&self, error: &KafkaError) {
        let why = match error {
            KafkaError::MessageConsumptionFatal(Code::FencedInstanceId) => {
                format!("group {}: another process has the same instance name and took over", self.shared.group)
            }
            KafkaError::MessageConsumptionFatal(code) => format!("group {}: {code}", self.shared.group),
            _ => return,
        };
        self.health.refuse(&self.shared.group, &why);
        self.shared.state().broken = Some(why);
        self.shared.filled.notify_one();
    }
}
