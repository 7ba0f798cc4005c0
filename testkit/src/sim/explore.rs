use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use super::{Sim, Step, World};

/// Result of an exploration.
#[derive(Debug)]
pub struct Explored<S> {
    /// Number of reachable states.
    pub states: usize,
    /// Final states, in which no step is possible.
    pub ends: Vec<S>,
    /// Violations, each with the shortest path to it.
    pub violations: Vec<(String, Vec<String>)>,
}

/// Explores all paths of a system. Systems with the same `state` count as the same. `wrong` checks
/// every state; its second argument is whether the state is final.
///
/// # Panics
/// When there are more than `most` states.
pub fn explore<W: World, S: Clone + Eq + Hash>(
    begin: Sim<W>,
    most: usize,
    state: impl Fn(&Sim<W>) -> S,
    wrong: impl Fn(&Sim<W>, bool) -> Option<String>,
) -> Explored<S> {
    let mut seen: HashMap<S, Option<(S, String)>> = HashMap::new();
    let mut found = Explored { states: 0, ends: vec![], violations: vec![] };
    let first = state(&begin);
    seen.insert(first.clone(), None);
    let mut queue = VecDeque::from([(first, begin)]);
    while let Some((here, sim)) = queue.pop_front() {
        let mut ways = vec![];
        for step in sim.steps() {
            let mut next = sim.clone();
            if next.take(&step) {
                ways.push((label(&sim, &step), next));
            }
        }
        let end = ways.is_empty();
        if end {
            found.ends.push(here.clone());
        }
        if let Some(what) = wrong(&sim, end)
            && !found.violations.iter().any(|(known, _)| *known == what)
        {
            let mut way = vec![];
            let mut at = &here;
            while let Some(Some((before, label))) = seen.get(at) {
                way.push(label.clone());
                at = before;
            }
            way.reverse();
            found.violations.push((what, way));
        }
        for (label, next) in ways {
            let there = state(&next);
            if !seen.contains_key(&there) {
                seen.insert(there.clone(), Some((here.clone(), label)));
                assert!(seen.len() <= most, "more than {most} states");
                queue.push_back((there, next));
            }
        }
    }
    found.states = seen.len();
    found
}

fn label<W: World>(sim: &Sim<W>, step: &Step) -> String {
    match step {
        Step::Deliver { node, topic, offset, .. } => {
            format!("{node} <- {}", crate::node::event_name(&sim.log[topic][*offset].message))
        }
        Step::Publish { node, .. } => format!("{node} publishes"),
        Step::Perform { node, effect, .. } => format!("{node} performs {effect}"),
        Step::Remind { node, name, .. } => format!("{node} is reminded of {name}"),
        Step::Outside(what) => what.clone(),
    }
}
