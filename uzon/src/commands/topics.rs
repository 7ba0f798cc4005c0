//! `uzon topics`

use bus::{
    Bus, TopicState,
    topics::{self, Change, Plan},
};
use clap::{Args, Subcommand};
use clock::Clock;
use host::{SettingsArgs, failed, open_bus, wanted_topics};
use serde_json::{Value, json};
use settings::Config;

use crate::{Failure, configuration, output};

#[derive(Debug, Subcommand)]
pub enum TopicsCommand {
    /// Show how the topics of Kafka differ from their definitions; changes nothing
    Plan(TopicsArgs),
    /// Create missing topics and change settings that can be changed
    Apply(TopicsArgs),
}

#[derive(Debug, Clone, Args)]
pub struct TopicsArgs {
    /// JSON for programs instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(crate) async fn run(command: TopicsCommand) -> Result<(), Failure> {
    let (args, apply) = match command {
        TopicsCommand::Plan(args) => (args, false),
        TopicsCommand::Apply(args) => (args, true),
    };
    let config = configuration::load(&args.settings)?;
    if config.bus.url.file().is_some() {
        return Err(config.refuse("bus.url", "the embedded log has its topics from the process it is for").into());
    }
    let bus = open_bus(&config, Clock::system(), "uzon").await?;
    let done = plan_and_apply(&config, &*bus, apply, args.json).await;
    bus.close().await;
    done
}

async fn plan_and_apply(config: &Config, bus: &dyn Bus, apply: bool, json: bool) -> Result<(), Failure> {
    let wanted = wanted_topics(config);
    let names: Vec<_> = wanted.iter().map(|topic| topic.name.clone()).collect();
    let failed = |error| failed(config, &error);
    let states = bus.topics(&names).await.map_err(failed)?;
    let copies = i32::try_from(config.topics.replication).unwrap_or(i32::MAX);
    let plan = topics::plan(bus, &wanted, copies).await.map_err(failed)?;
    if apply {
        topics::apply(bus, &plan.changes).await.map_err(failed)?;
    }
    if json {
        output::json(&as_json(&plan, apply));
        return Ok(());
    }
    let mut table = output::table(["topic", "partitions", if apply { "done" } else { "to be done" }]);
    for topic in &wanted {
        let there = states.iter().find(|state| state.name == topic.name);
        let change = plan.changes.iter().find(|change| change_of(change).0 == &*topic.name);
        let what = change.map_or_else(|| "–".to_owned(), |change| change_of(change).1);
        table.add_row([topic.name.to_string(), partitions(there), what]);
    }
    output::line(table);
    plan.hopeless.iter().for_each(output::line);
    Ok(())
}

fn partitions(there: Option<&TopicState>) -> String {
    there.map_or_else(|| "–".to_owned(), |state| state.partitions.to_string())
}

/// The topic and its change.
fn change_of(change: &Change) -> (&str, String) {
    match change {
        Change::Create(topic) => (&topic.name, format!("create with {} partitions", topic.partitions)),
        Change::Alter(topic, differences) => (&topic.name, format!("change: {}", differences.join(", "))),
    }
}

fn as_json(plan: &Plan, applied: bool) -> Value {
    let changes: Vec<Value> =
        plan.changes.iter().map(change_of).map(|(topic, what)| json!({ "topic": topic, "what": what })).collect();
    json!({ "applied": applied, "changes": changes, "hopeless": plan.hopeless })
}
