//! All nodes of a system on a log in memory, and a scheduler that decides what happens next.

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

/// Something that can happen next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A node decides about a record of a topic. `again`: it dies before it has noted that, and will see it once more.
    Deliver { node: usize, topic: Arc<str>, offset: usize, again: bool },
    /// What a node said first goes to the log. `again`: it dies before it has noted that, and will say it once more.
    Publish { node: usize, again: bool },
    /// A request is performed. `lost`: the node dies before it has noted the answer, and will ask once more.
    Perform { node: usize, effect: String, lost: bool },
    /// A reminder fires, whenever it is due.
    Remind { node: usize, key: Uuid, name: String },
    /// Something happens outside.
    Outside(String),
}

/// The world outside: what happens there by itself (a carrier picks a parcel up, a customer changes her mind).
pub trait World: Clone + 'static {
    /// What can happen now, by name.
    fn can_happen(&self, nodes: &[Box<dyn Actor<Self>>]) -> Vec<String>;

    /// Lets it happen. `false`: nothing has come of it.
    fn happen(&mut self, what: &str, nodes: &mut [Box<dyn Actor<Self>>]) -> bool;

    /// At random it happens now and then only, for else it would always be the first thing that does.
    fn is_rare(&self, _what: &str) -> bool {
        false
    }
}

/// A world in which nothing happens by itself.
impl World for () {
    fn can_happen(&self, _: &[Box<dyn Actor<Self>>]) -> Vec<String> {
        vec![]
    }

    fn happen(&mut self, _: &str, _: &mut [Box<dyn Actor<Self>>]) -> bool {
        false
    }
}

/// What may go wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Crashes: records, events and requests are repeated.
    pub crashes: bool,
    /// Records of one topic may come in another order than they were said in, by so many places.
    pub reorder: usize,
    /// What is said is on the log at once. (Whatever may be late is late in being read; so there are fewer ways to walk.)
    pub prompt: bool,
}

/// A system: its nodes, its log, and the world outside.
pub struct Sim<W> {
    pub nodes: Vec<Box<dyn Actor<W>>>,
    pub world: W,
    pub faults: Faults,
    pub clock: ManualClock,
    /// What was said, by topic.
    pub log: BTreeMap<Arc<str>, Vec<Record>>,
    /// Offsets a node has dealt with, by node and topic.
    done: BTreeMap<(usize, Arc<str>), BTreeSet<usize>>,
}

impl<W: World> Sim<W> {
    pub fn new(clock: ManualClock, world: W, faults: Faults, nodes: Vec<Box<dyn Actor<W>>>) -> Self {
        Self { nodes, world, faults, clock, log: BTreeMap::new(), done: BTreeMap::new() }
    }

    /// Everything that can happen next. Empty: all is done.
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

    /// The offsets a node may see next on a topic.
    fn next(&self, node: usize, topic: &Arc<str>) -> Vec<usize> {
        let done = self.done.get(&(node, topic.clone()));
        let seen = |offset: &usize| done.is_some_and(|done| done.contains(offset));
        let records = self.log.get(topic).map_or(&[][..], Vec::as_slice);
        let waits = |(offset, record): &(usize, &Record)| !seen(offset) && self.nodes[node].hears(record);
        let waiting = records.iter().enumerate().filter(waits).map(|(offset, _)| offset);
        waiting.take(1 + self.faults.reorder).collect()
    }

    /// Lets it happen. `false`: nothing has changed (a record is held, a request was not answered).
    pub fn take(&mut self, step: &Step) -> bool {
        let happened = self.one(step);
        if self.faults.prompt {
            for node in 0..self.nodes.len() {
                while let Some(event) = self.nodes[node].say(true) {
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
                let said = self.nodes[*node].say(!again);
                said.map(|event| self.append(&event)).is_some()
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

    /// One of the things that can happen next, at random. `None`: all is done.
    pub fn choose(&self, rng: &mut StdRng) -> Option<Step> {
        // Reminders are for when nothing else goes on, or now and then for when it does.
        let (rare, others): (Vec<_>, Vec<_>) = self.steps().into_iter().partition(|step| match step {
            Step::Remind { .. } => true,
            Step::Outside(what) => self.world.is_rare(what),
            _ => false,
        });
        let early = others.is_empty() || rng.random_ratio(1, 30);
        let mut from = if early && !rare.is_empty() { rare } else { others };
        (!from.is_empty()).then(|| from.swap_remove(rng.random_range(0..from.len())))
    }

    /// Lets things happen at random until nothing is left to do, or `most` steps are taken. `true`: all is done.
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
    /// How far each node has read, for telling states apart.
    pub fn positions(&self) -> impl Iterator<Item = (usize, &str, &BTreeSet<usize>)> {
        self.done.iter().map(|((node, topic), done)| (*node, &**topic, done))
    }
}
