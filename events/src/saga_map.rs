//! The choreography as a Markdown page: a diagram of the event flow, and tables.

use std::time::Duration;

use crate::{
    choreography::{Key, REACTIONS, Reaction, STARTS, TOPICS, heard_by, topic},
    envelope::name_of,
    service,
};

/// The text of `docs/choreography.md`.
pub fn markdown() -> String {
    let parts = [
        ("Event flow", diagram()),
        ("Topics", topics()),
        ("Starts", starts()),
        ("Reactions", reactions()),
        ("Subscriptions", subscriptions()),
    ];
    let intro = "# Choreography\n\nThe topics, and the reactions of each service. Generated from \
        `events::choreography`; do not edit (`UZON_BLESS=1 cargo test -p events` writes the page).\n";
    parts.iter().fold(intro.into(), |page, (title, part)| format!("{page}\n## {title}\n\n{part}"))
}

/// One arrow per pair of services. The analytics service is left out: it consumes almost every event and publishes none.
fn diagram() -> String {
    let services: Vec<_> = service::ALL.into_iter().filter(|&service| service != service::ANALYTICS).collect();
    let mut lines = vec!["```mermaid".to_string(), "flowchart LR".into()];
    lines.extend(services.iter().map(|service| format!("    {service}([{service}])")));
    for from in &services {
        for to in &services {
            let consumed = heard_by(to).into_iter().filter(|(name, _)| topic(name).is_some_and(|it| it.owner == *from));
            let labels: Vec<_> = consumed.flat_map(|(_, types)| types).map(name_of).collect();
            if !labels.is_empty() {
                lines.push(format!("    {from} -->|\"{}\"| {to}", labels.join("<br>")));
            }
        }
    }
    lines.push("```\n\nThe analytics service consumes all of these events except `OrderStatusChanged`.\n".into());
    lines.join("\n")
}

fn topics() -> String {
    let rows = TOPICS.iter().map(|topic| {
        let key = match topic.key {
            Key::Order => "order id",
            Key::Product => "product id",
        };
        let kept = if topic.compacted { "the last record of each key" } else { "for the retention time" };
        [format!("`{}`", topic.name), topic.owner.into(), key.into(), kept.into(), names(topic.events, ", ")]
    });
    table(["topic", "owner", "key", "retention", "events"], rows)
        + "\nThe dead-letter topic of a topic `T` is `T.DLQ` (`bus.dead_letter_topic`).\n"
}

fn starts() -> String {
    let intro = "A start publishes events without an event as its immediate trigger.\n\n";
    let rows = STARTS.iter().map(|it| [it.when.into(), it.service.into(), names(it.publishes, ", ")]);
    intro.to_owned() + &table(["when", "service", "publishes"], rows)
}

fn reactions() -> String {
    let rows = REACTIONS.iter().map(|it| {
        let within = it.within.map_or("–".into(), duration_text);
        let unless = or_dash(names(it.unless, ", "));
        [names(it.on, ", "), it.service.into(), it.does.into(), owes(it), unless, within]
    });
    table(["on", "service", "what it does", "owes", "unless", "within"], rows)
        + "\nEvery transition of an order also publishes `OrderStatusChanged` in the same transaction.\n"
}

fn owes(reaction: &Reaction) -> String {
    let owed = or_dash(names(reaction.owes, " or "));
    if reaction.given.is_empty() { owed } else { format!("{owed}, given {}", names(reaction.given, " or ")) }
}

fn subscriptions() -> String {
    let consumed =
        service::ALL.into_iter().flat_map(|service| heard_by(service).into_iter().map(move |it| (service, it)));
    let rows = consumed.map(|(service, (topic, types))| [service.into(), format!("`{topic}`"), names(&types, ", ")]);
    table(["service", "topic", "reacts to"], rows)
}

fn table<const N: usize>(columns: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let head = [columns.map(String::from), [""; N].map(|_| "---".into())];
    let lines: Vec<_> = head.into_iter().chain(rows).map(|row| format!("| {} |", row.join(" | "))).collect();
    lines.join("\n") + "\n"
}

fn names(types: &[&str], separator: &str) -> String {
    types.iter().map(|kind| format!("`{}`", name_of(kind))).collect::<Vec<_>>().join(separator)
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "–".into() } else { text }
}

fn duration_text(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds % 86_400 == 0 => format!("{} d", seconds / 86_400),
        seconds if seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
