//! Compares the existing topics with the required ones, and applies the differences.

use std::{fmt, sync::Arc};

use super::{Bus, BusError, TopicSpec, TopicState};

/// The changes that give the topics their required state.
#[derive(Debug, Default)]
pub struct Plan {
    pub changes: Vec<Change>,
    /// Differences that cannot be applied, as text for an operator.
    pub hopeless: Vec<String>,
}

/// One change of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Create(TopicSpec),
    /// The required state, and the differences as text.
    Alter(TopicSpec, Vec<String>),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(spec) => write!(f, "create {} with {} partitions", spec.name, spec.partitions),
            Self::Alter(spec, differences) => write!(f, "change {}: {}", spec.name, differences.join(", ")),
        }
    }
}

/// Compares the required topics with the existing ones. `copies`: required replicas of each partition; 0: any number.
pub async fn plan(bus: &dyn Bus, wanted: &[TopicSpec], copies: i32) -> Result<Plan, BusError> {
    let names: Vec<Arc<str>> = wanted.iter().map(|spec| spec.name.clone()).collect();
    let states = bus.topics(&names).await?;
    let mut plan = Plan::default();
    for spec in wanted {
        match states.iter().find(|state| state.name == spec.name) {
            Some(state) => compare(spec, state, copies, &mut plan),
            None => plan.changes.push(Change::Create(spec.clone())),
        }
    }
    Ok(plan)
}

fn compare(spec: &TopicSpec, state: &TopicState, copies: i32, plan: &mut Plan) {
    let mut differences = Vec::new();
    let name = &spec.name;
    if state.partitions < spec.partitions {
        differences.push(format!("{} partitions instead of {}", spec.partitions, state.partitions));
    } else if state.partitions > spec.partitions {
        let (has, wanted) = (state.partitions, spec.partitions);
        plan.hopeless.push(format!("{name} has {has} partitions and should have {wanted}: there cannot be fewer"));
    }
    if let Some(has) = state.copies.filter(|has| copies > 0 && *has != copies) {
        plan.hopeless.push(format!(
            "{name} has {has} replicas and should have {copies}: move its partitions with Kafka's tools"
        ));
    }
    if state.compacted.is_some_and(|it| it != spec.compacted) {
        differences.push(if spec.compacted { "compacted" } else { "not compacted" }.to_owned());
    }
    if let (Some(wanted), Some(has)) = (spec.retention, state.retention)
        && wanted != has
    {
        differences.push(format!("kept for {} s instead of {} s", wanted.as_secs(), has.as_secs()));
    }
    if !differences.is_empty() {
        // Additional partitions are kept: partitions cannot be removed.
        let partitions = spec.partitions.max(state.partitions);
        plan.changes.push(Change::Alter(TopicSpec { partitions, ..spec.clone() }, differences));
    }
}

/// Applies the changes of a plan.
pub async fn apply(bus: &dyn Bus, changes: &[Change]) -> Result<(), BusError> {
    for change in changes {
        match change {
            Change::Create(spec) => bus.create_topics(std::slice::from_ref(spec)).await?,
            Change::Alter(spec, _) => bus.alter_topics(std::slice::from_ref(spec)).await?,
        }
    }
    Ok(())
}

/// Checks the topics before services start. `BusError::Setup` names every topic that is missing or has too few
/// partitions. Additional partitions are accepted: an operator may add partitions while services run.
pub async fn check(bus: &dyn Bus, wanted: &[TopicSpec]) -> Result<(), BusError> {
    let names: Vec<Arc<str>> = wanted.iter().map(|spec| spec.name.clone()).collect();
    let states = bus.topics(&names).await?;
    let wrong = wanted.iter().filter_map(|spec| match states.iter().find(|state| state.name == spec.name) {
        None => Some(format!("topic {} does not exist", spec.name)),
        Some(state) if state.partitions < spec.partitions => {
            Some(format!("topic {} has {} partitions and should have {}", spec.name, state.partitions, spec.partitions))
        }
        Some(_) => None,
    });
    let wrong: Vec<_> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(BusError::Setup(wrong.join("; "))) }
}
