//! All paths of one order: all interleavings of deliveries that keep the sequence within topics,
//! with cancellation, expiry, deadline, pick-up and lost answers at any moment.

use std::{cell::Cell, collections::BTreeSet};

use rstest::rstest;
use testkit::sim::{Explored, Faults, Sim, explore};

use crate::{
    invariants::{Seen, seen, wrong},
    system::{Begin, Outside, begin, fulfillment_of, inventory_of, order, payment_of},
};

/// Distinguishes states: all data that later decisions depend on, and no others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    seen: Seen,
    expiry_reported: bool,
    cancel_asked: bool,
    shipped_received: bool,
    queries: i32,
    bank: Vec<(String, bool, i32)>,
    cancellations: usize,
    effects: Vec<String>,
    reminders: Vec<String>,
    logs: Vec<Vec<String>>,
    positions: Vec<Vec<usize>>,
}

fn state(sim: &Sim<Outside>) -> State {
    let id = order(0);
    let reservation = inventory_of(&sim.nodes).work.reservations.get(&id).cloned();
    let payment = payment_of(&sim.nodes).work.rows.get(&id).cloned();
    let shipment = fulfillment_of(&sim.nodes).work.shipments.get(&id).cloned();
    let entries = sim.world.bank.work.entries.iter();
    let name = |record: &bus::Record| testkit::node::event_name(&record.message);
    let mut reminders: Vec<_> = sim.nodes.iter().flat_map(|node| node.reminders()).map(|(_, name)| name).collect();
    reminders.extend(sim.world.bank.reminders.keys().map(|(_, name)| name.clone()));
    State {
        seen: seen(sim, id),
        expiry_reported: reservation.is_some_and(|it| it.expiry_reported),
        cancel_asked: shipment.is_some_and(|it| it.cancel_request.is_some()),
        shipped_received: payment.as_ref().is_some_and(|it| it.shipped),
        // Only whether a query is the last one matters, and there is one at a time.
        queries: 0,
        bank: entries.map(|it| (format!("{:?}", it.status), it.reference.is_some(), it.attempts.min(3))).collect(),
        cancellations: sim.world.cancellations,
        effects: sim.nodes.iter().flat_map(|node| node.effects()).map(|key| kind(&key).to_owned()).collect(),
        reminders,
        logs: sim.log.values().map(|records| records.iter().map(name).collect()).collect(),
        positions: sim.positions().map(|(_, _, done)| done.iter().copied().collect()).collect(),
    }
}

/// The prefix of an idempotency key, which names the effect.
fn kind(key: &str) -> &str {
    key.split(':').next().unwrap_or(key)
}

/// One of this many states gets all processed records again.
const REPEATS: usize = 40;

fn explore_all(it: Begin) -> Explored<State> {
    let (stock, states) = (it.stock, Cell::new(0));
    let found = explore(begin(it, 1, false), 400_000, state, |sim, end| {
        states.set(states.get() + 1);
        let repeat = end || states.get() % REPEATS == 0;
        wrong(sim, stock, end).or_else(|| repeat.then(|| changed_by_a_repeat(sim)).flatten())
    });
    if let Some((what, way)) = found.violations.first() {
        panic!("{what}\n  {}", way.join("\n  "));
    }
    println!("{it:?}: {} states, {} ends", found.states, found.ends.len());
    found
}

/// However late a record comes again, and although its row does not recognise it, nothing changes and nothing is said.
fn changed_by_a_repeat(sim: &Sim<Outside>) -> Option<String> {
    let before = state(sim);
    for (node, topic, processed) in sim.positions() {
        for offset in processed {
            let record = &sim.log[topic][*offset];
            let mut again = sim.clone();
            again.nodes[node].decide_repeats();
            again.nodes[node].deliver(record);
            if again.nodes[node].has_published() || state(&again) != before {
                let name = testkit::node::event_name(&record.message);
                return Some(format!("node {node} is changed by a repeated {name} in {before:?}"));
            }
        }
    }
    None
}

fn ends(found: &Explored<State>) -> BTreeSet<&'static str> {
    found.ends.iter().map(|it| it.seen.order.as_str()).collect()
}

#[rstest]
#[case::paid_and_delivered("tok_ok", 10, false, &["CANCELLED", "DELIVERED"])]
#[case::declined("tok_declined", 10, false, &["CANCELLED", "FAILED"])]
#[case::out_of_stock("tok_ok", 1, false, &["CANCELLED"])]
#[case::refused_by_the_carrier("tok_ok", 10, true, &["CANCELLED"])]
#[case::charged_without_an_answer("tok_timeout_charged", 10, false, &["CANCELLED", "DELIVERED"])]
#[case::not_charged_without_an_answer("tok_timeout_not_charged", 10, false, &["CANCELLED", "DELIVERED"])]
#[case::charged_late("tok_lands_late", 10, false, &["CANCELLED", "DELIVERED"])]
fn every_interleaving_is_consistent(
    #[case] token: &'static str,
    #[case] stock: i64,
    #[case] refused: bool,
    #[case] expected: &[&str],
) {
    let tokens: &'static [&'static str] = Box::leak(Box::new([token]));
    let found = explore_all(Begin { stock, tokens, refused, cancellations: 1, ..Begin::default() });
    assert_eq!(ends(&found), expected.iter().copied().collect());
}

/// The second record of a topic may overtake the first, as when partitions are added.
#[rstest]
#[case("tok_ok", 1)]
#[case("tok_declined", 0)]
#[case("tok_timeout_charged", 0)]
fn every_interleaving_with_records_of_a_topic_swapped_is_consistent(
    #[case] token: &'static str,
    #[case] cancellations: usize,
) {
    let faults = Faults { prompt: true, reorder: 1, crashes: false };
    let tokens: &'static [&'static str] = Box::leak(Box::new([token]));
    explore_all(Begin { tokens, cancellations, faults, ..Begin::default() });
}
