//! Every accepted order exists once, has ended, and made only permitted transitions.

use std::collections::BTreeMap;

use events::{
    OrderEndReason,
    OrderStatus::{self, Cancelled, Cancelling, Confirmed, Delivered, Failed, Pending, Reserved, Shipped},
};
use uuid::Uuid;

use crate::{
    check::{Facts, Findings, facts::Detail},
    shop::Accepted,
};

pub fn check(facts: &Facts, found: &mut Findings) {
    exists_once(facts, found);
    terminal(facts, found);
    for (&id, detail) in &facts.details {
        path(id, detail, found);
        reason(id, detail, found);
    }
    as_ordered(facts, found);
    as_wished(facts, found);
}

/// Otherwise an order was lost, accepted twice, or never placed.
fn exists_once(facts: &Facts, found: &mut Findings) {
    let mut listed = BTreeMap::<Uuid, usize>::new();
    for order in &facts.orders {
        *listed.entry(order.order_id).or_default() += 1;
    }
    let mut promised = BTreeMap::<Uuid, &str>::new();
    for (key, accepted) in &facts.history.accepted {
        let id = accepted.order_id;
        match listed.get(&id).copied().unwrap_or(0) {
            0 => found.add("accepted-exists", id, "it was accepted and does not exist"),
            1 => {}
            more => found.add("listed-once", id, format!("it is listed {more} times")),
        }
        if let Some(other) = promised.insert(id, key) {
            found.add("one-key-one-order", id, format!("two keys have it, {other} and {key}"));
        }
        if let Some(first) = key.strip_suffix(" (again)") {
            found.add("one-key-one-order", id, format!("key {first} was answered with two orders"));
        }
    }
    // An order whose answer was lost may exist once. The shop knows only its key, so only the
    // number of such orders is checked.
    if facts.whole.is_some() {
        let strangers = listed.keys().filter(|id| !promised.contains_key(id));
        let strangers: Vec<_> = strangers.collect();
        if strangers.len() > facts.history.unanswered.len() {
            let detail = format!("{} orders that nobody placed, first {}", strangers.len(), strangers[0]);
            found.add("nobody-placed-it", *strangers[0], detail);
        }
    }
}

/// Otherwise an order never ends.
fn terminal(facts: &Facts, found: &mut Findings) {
    for order in &facts.orders {
        let status = order.status;
        found.expect(status.is_terminal(), "terminal", order.order_id, format!("it stays {status:?}"));
    }
}

/// Permitted transitions.
fn may_follow(from: OrderStatus, to: OrderStatus) -> bool {
    match from {
        Pending => matches!(to, Reserved | Confirmed | Cancelled | Failed),
        Reserved => matches!(to, Confirmed | Cancelled | Failed),
        Confirmed => matches!(to, Shipped | Cancelling | Cancelled | Delivered),
        Cancelling => matches!(to, Cancelled | Confirmed | Shipped | Delivered),
        Shipped => to == Delivered,
        Delivered | Cancelled | Failed => false,
    }
}

/// Otherwise concurrent decisions about an order overwrote each other.
fn path(id: Uuid, detail: &Detail, found: &mut Findings) {
    let steps = &detail.history;
    let numbers: Vec<i64> = steps.iter().map(|step| step.version).collect();
    let gapless = numbers.iter().zip(1..).all(|(&version, expected)| version == expected);
    found.expect(gapless && !steps.is_empty(), "history-versions", id, format!("its versions are {numbers:?}"));
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return };
    found.expect(first.status == Pending, "history-path", id, format!("it begins as {:?}", first.status));
    for pair in steps.windows(2) {
        let (from, to) = (pair[0].status, pair[1].status);
        found.expect(may_follow(from, to), "history-path", id, format!("{from:?} was followed by {to:?}"));
        found.expect(pair[0].at <= pair[1].at, "history-time", id, format!("{to:?} was before {from:?}"));
    }
    let order = &detail.order;
    let agrees = last.status == order.status && last.version == order.version;
    let detail = format!(
        "it is {:?} version {}, its history ends with {:?} version {}",
        order.status, order.version, last.status, last.version
    );
    found.expect(agrees, "history-end", id, detail);
}

/// Otherwise the reason of a failure is missing.
fn reason(id: Uuid, detail: &Detail, found: &mut Findings) {
    let order = &detail.order;
    let ended_badly = matches!(order.status, Cancelled | Failed);
    let detail = format!("it is {:?}, reason {:?}", order.status, order.reason);
    found.expect(ended_badly == order.reason.is_some(), "reason", id, detail);
}

/// Otherwise the order differs from the request.
fn as_ordered(facts: &Facts, found: &mut Findings) {
    let totals: BTreeMap<Uuid, _> = facts.orders.iter().map(|order| (order.order_id, order.total_amount)).collect();
    for accepted in facts.history.accepted.values() {
        let Accepted { order_id: id, total, wanted } = accepted;
        if let Some(listed) = totals.get(id) {
            found.expect(listed == total, "total", *id, format!("{total} was promised, {listed} is listed"));
        }
        let Some(detail) = facts.details.get(id) else { continue };
        let has: Vec<(Uuid, u32)> = detail.order.items.iter().map(|item| (item.product_id, item.quantity)).collect();
        found.expect(has == wanted.items, "items", *id, format!("{:?} was ordered, it has {has:?}", wanted.items));
    }
}

/// Tokens that the sandbox's provider charges eventually. It declines all others.
const CHARGED: [&str; 6] =
    ["tok_ok", "tok_slow", "tok_flaky", "tok_timeout_charged", "tok_timeout_not_charged", "tok_lands_late"];

/// Otherwise an order ended without a cause.
fn as_wished(facts: &Facts, found: &mut Findings) {
    let statuses: BTreeMap<Uuid, OrderStatus> =
        facts.orders.iter().map(|order| (order.order_id, order.status)).collect();
    for Accepted { order_id: id, wanted, .. } in facts.history.accepted.values() {
        let (id, token) = (*id, &wanted.token);
        let charged = CHARGED.contains(&token.as_str());
        match statuses.get(&id) {
            Some(Confirmed | Shipped | Delivered) => {
                found.expect(charged, "declined-yet-confirmed", id, format!("it was paid with {token}"));
            }
            Some(Failed) => found.expect(!charged, "failed-for-nothing", id, format!("it was paid with {token}")),
            _ => {}
        }
        let by_customer =
            facts.details.get(&id).is_some_and(|it| it.order.reason == Some(OrderEndReason::CustomerRequest));
        let asked = facts.history.cancelling.contains(&id);
        found.expect(asked || !by_customer, "cancelled-by-nobody", id, "the customer did not ask for it");
    }
}
