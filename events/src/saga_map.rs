//! The choreography as a page for people: a diagram of who tells whom, and the tables.

use std::{fmt::Write, time::Duration};

use crate::{
    choreography::{Key, REACTIONS, Reaction, STARTS, TOPICS, heard_by},
    envelope::name_of,
    service,
};

/// `docs/choreography.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Choreography\n\nWho reacts to what. Generated from `events::choreography`; do not edit \
         (`UZON_BLESS=1 cargo test -p events` writes it).\n",
    );
    let parts = [
        ("Who tells whom", diagram()),
        ("Topics", topics()),
        ("What begins by itself", starts()),
        ("Reactions", reactions()),
        ("Who hears what", subscriptions()),
    ];
    for (title, part) in parts {
        write!(page, "\n## {title}\n\n{part}").expect("a string takes all");
    }
    page
}

/// One arrow per pair of services. Analytics hears everything and answers nothing, so it is left out.
fn diagram() -> String {
    let mut lines = String::from("```mermaid\nflowchart LR\n");
    for service in service::ALL.iter().filter(|&&service| service != service::ANALYTICS) {
        lines += &format!("    {service}([{service}])\n");
    }
    for from in service::ALL {
        for to in service::ALL.iter().filter(|&&to| to != service::ANALYTICS) {
            let own = |name: &str| TOPICS.iter().any(|topic| topic.name == name && topic.owner == from);
            let heard = heard_by(to).into_iter().filter(|(topic, _)| own(topic)).flat_map(|(_, types)| types);
            let labels: Vec<_> = heard.map(name_of).collect();
            if !labels.is_empty() {
                lines += &format!("    {from} -->|\"{}\"| {to}\n", labels.join("<br>"));
            }
        }
    }
    lines + "```\n\nThe analytics service hears all of these but `OrderStatusChanged`.\n"
}

fn topics() -> String {
    let mut table = String::from("| topic | owner | key | kept | events |\n|---|---|---|---|---|\n");
    for topic in TOPICS {
        let key = match topic.key {
            Key::Order => "order id",
            Key::Product => "product id",
        };
        let kept = if topic.compacted { "the last of each key" } else { "for a time" };
        table += &format!("| `{}` | {} | {key} | {kept} | {} |\n", topic.name, topic.owner, names(topic.events, ", "));
    }
    table + "\nDead letters of a topic `T` go to `T.DLQ`.\n"
}

fn starts() -> String {
    let mut table = String::from("| when | service | publishes |\n|---|---|---|\n");
    for start in STARTS {
        table += &format!("| {} | {} | {} |\n", start.when, start.service, names(start.publishes, ", "));
    }
    table
}

fn reactions() -> String {
    let mut table =
        String::from("| on | service | what it does | owes | unless | within |\n|---|---|---|---|---|---|\n");
    for it in REACTIONS {
        let (on, within) = (names(it.on, ", "), it.within.map_or("–".into(), in_words));
        table += &format!(
            "| {on} | {} | {} | {} | {} | {within} |\n",
            it.service,
            it.does,
            owes(it),
            or_dash(names(it.unless, ", "))
        );
    }
    table + "\nEvery transition of an order also publishes `OrderStatusChanged` in the same decision.\n"
}

fn owes(reaction: &Reaction) -> String {
    let owed = or_dash(names(reaction.owes, " or "));
    if reaction.given.is_empty() { owed } else { format!("{owed}, given {}", names(reaction.given, " or ")) }
}

fn subscriptions() -> String {
    let mut table = String::from("| service | topic | reacts to |\n|---|---|---|\n");
    for service in service::ALL {
        for (topic, types) in heard_by(service) {
            table += &format!("| {service} | `{topic}` | {} |\n", names(&types, ", "));
        }
    }
    table
}

fn names(types: &[&str], between: &str) -> String {
    types.iter().map(|kind| format!("`{}`", name_of(kind))).collect::<Vec<_>>().join(between)
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "–".into() } else { text }
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds % 86_400 == 0 => format!("{} d", seconds / 86_400),
        seconds if seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
