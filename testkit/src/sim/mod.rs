//! All nodes of a system on a log in memory, and a scheduler that chooses the next step.

mod actor;
mod explore;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bus::{Outgoing, Record};
use clock::ManualClock;
use rand::{Rng, SeedableRng, rngs::StdRng};
use uuid::Uuid;

pub use actor::Actor;
pub use explore::{Explored, explore};

/// A possible next step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A node decides about a record of a topic. `again`: the node crashes before it commits the
    /// offset, and gets the record again.
    Deliver { node: usize, topic: Arc<str>, offset: usize, again: bool },
    /// The first event in the outbox of a node is published. `again`: the node crashes before it
    /// removes the event, and publishes it again.
    Publish { node: usize, again: bool },
    /// A request is performed. `lost`: the node crashes before it stores the outcome, and performs
    /// the request again.
    Perform { node: usize, effect: String, lost: bool },
    /// A reminder is delivered, due or not.
    Remind { node: usize, key: Uuid, name: String },
    /// An event in the outside world.
    Outside(String),
}

/// The outside world: steps that no node causes (a carrier picks a parcel up, a customer cancels).
pub trait World: Clone + 'static {
    /// Names of the possible steps.
    fn can_happen(&self, nodes: &[Box<dyn Actor<Self>>]) -> Vec<String>;

    /// Performs a step. `false`: nothing has changed.
    fn happen(&mut self, what: &str, nodes: &mut [Box<dyn Actor<Self>>]) -> bool;

    /// Whether random runs choose the step only rarely, because it would otherwise almost always
    /// come first.
    fn is_rare(&self, _what: &str) -> bool {
        false
    }
}

/// A world without steps of its own.
impl World for () {
    fn can_happen(&self, _: &[Box<dyn Actor<Self>>]) -> Vec<String> {
        vec![]
    }

    fn happen(&mut self, _: &str, _: &mut [Box<dyn Actor<Self>>]) -> bool {
        false
    }
}

/// Faults to inject.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Crashes: records, events and requests are repeated.
    pub crashes: bool,
    /// By how many positions records of a topic may be reordered.
    pub reorder: usize,
    /// Events are published at once. Delays occur only before delivery, which leaves fewer paths to
    /// explore.
    pub prompt: bool,
}

/// A system: its nodes, its log, and the world outside.
pub struct Sim<W> {
    pub nodes: Vec<Box<dyn Actor<W>>>,
    pub world: W,
    pub faults: Faults,
    pub clock: ManualClock,
    /// Published records by topic.
    pub log: BTreeMap<Arc<str>, Vec<Record>>,
    /// Processed offsets by node and topic.
    done: BTreeMap<(usize, Arc<str>), BTreeSet<usize>>,
}

impl<W: World> Sim<W> {
    pub fn new(clock: ManualClock, world: W, faults: Faults, nodes: Vec<Box<dyn Actor<W>>>) -> Self {
        Self { nodes, world, faults, clock, log: BTreeMap::new(), done: BTreeMap::new() }
    }

    /// All possible next steps. Empty: the run is complete.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = vec![];
        for (node, actor) in self.nodes.iter().enumerate() {
            for topic in actor.topics() {
                for offset in self.next(node, &topic) {
                    steps.push(Step::Deliver { node, topic: topic.clone(), offset, again: false });
                }
            }
            if actor.has_published() {
                steps.push(Step::Publish { node, again: false });
            }
            for effect in actor.effects() {
                steps.push(Step::Perform { node, effect, lost: false });
            }
            for (key, name) in actor.reminders() {
                steps.push(Step::Remind { node, key, name });
            }
        }
        steps.extend(self.world.can_happen(&self.nodes).into_iter().map(Step::Outside));
        steps
    }

    /// Offsets of the records that a node may get next on a topic.
    fn next(&self, node: usize, topic: &Arc<str>) -> Vec<usize> {
        let done = self.done.get(&(node, topic.clone()));
        let seen = |offset: &usize| done.is_some_and(|done| done.contains(offset));
        let records = self.log.get(topic).map_or(&[][..], Vec::as_slice);
        let waits = |(offset, record): &(usize, &Record)| !seen(offset) && self.nodes[node].subscribes_to(record);
        let waiting = records.iter().enumerate().filter(waits).map(|(offset, _)| offset);
        waiting.take(1 + self.faults.reorder).collect()
    }

    /// Performs a step. `false`: nothing has changed (a record is held, a request was not
    /// answered).
    pub fn take(&mut self, step: &Step) -> bool {
        let happened = self.one(step);
        if self.faults.prompt {
            for node in 0..self.nodes.len() {
                while let Some(event) = self.nodes[node].next_event(true) {
                    self.append(&event);
                }
            }
        }
        happened
    }

    fn one(&mut self, step: &Step) -> bool {
        match step {
            Step::Deliver { node, topic, offset, again } => {
                let record = self.log[topic][*offset].clone();
                let decided = self.nodes[*node].deliver(&record);
                if decided && !again {
                    self.done.entry((*node, topic.clone())).or_default().insert(*offset);
                }
                decided
            }
            Step::Publish { node, again } => {
                let event = self.nodes[*node].next_event(!again);
                event.map(|event| self.append(&event)).is_some()
            }
            Step::Perform { node, effect, lost } => self.nodes[*node].perform(effect, &mut self.world, !lost),
            Step::Remind { node, key, name } => {
                self.nodes[*node].remind(*key, name);
                true
            }
            Step::Outside(what) => self.world.happen(what, &mut self.nodes),
        }
    }

    fn append(&mut self, event: &Outgoing) {
        let topic = self.log.entry(event.topic.clone()).or_default();
        let offset = i64::try_from(topic.len()).expect("a short log");
        topic.push(Record { topic: event.topic.clone(), partition: 0, offset, message: event.message.clone() });
    }

    /// Chooses a possible step at random. `None`: the run is complete.
    pub fn choose(&self, rng: &mut StdRng) -> Option<Step> {
        // Reminders come when no other step is possible, and rarely before.
        let (rare, others): (Vec<_>, Vec<_>) = self.steps().into_iter().partition(|step| match step {
            Step::Remind { .. } => true,
            Step::Outside(what) => self.world.is_rare(what),
            _ => false,
        });
        let early = others.is_empty() || rng.random_ratio(1, 30);
        let mut from = if early && !rare.is_empty() { rare } else { others };
        (!from.is_empty()).then(|| from.swap_remove(rng.random_range(0..from.len())))
    }

    /// Performs random steps until none is possible or `most` are taken. `true`: the run is
    /// complete.
    pub fn run(&mut self, seed: u64, most: usize) -> bool {
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..most {
            let Some(mut step) = self.choose(&mut rng) else { return true };
            if self.faults.crashes && rng.random_ratio(1, 8) {
                match &mut step {
                    Step::Deliver { again, .. } | Step::Publish { again, .. } => *again = true,
                    Step::Perform { lost, .. } => *lost = true,
                    Step::Remind { .. } | Step::Outside(_) => {}
                }
            }
            self.take(&step);
            self.clock.advance(chrono::TimeDelta::milliseconds(rng.random_range(0..200)));
        }
        false
    }
}

impl<W: World> Clone for Sim<W> {
    fn clone(&self) -> Self {
        Self {
            nodes: self.nodes.iter().map(|node| node.duplicate()).collect(),
            world: self.world.clone(),
            faults: self.faults,
            clock: self.clock.clone(),
            log: self.log.clone(),
            done: self.done.clone(),
        }
    }
}

impl<W: World> Sim<W> {
    /// Processed offsets by node and topic, for distinguishing states.
    pub fn positions(&self) -> impl Iterator<Item = (usize, &str, &BTreeSet<usize>)> {
        self.done.iter().map(|((node, topic), done)| (*node, &**topic, done))
    }
}
