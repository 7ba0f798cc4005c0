//! Money: the provider's charges equal revenue plus refunds, and every entry belongs to an order.

use std::collections::{BTreeMap, BTreeSet};

use events::{Money, OrderStatus};
use uuid::Uuid;

use crate::{
    check::{Facts, Findings, facts::Account},
    model::OrderSummary,
};

pub fn check(facts: &Facts, found: &mut Findings) {
    let accounts = facts.account();
    let orders: BTreeMap<Uuid, &OrderSummary> = facts.orders.iter().map(|order| (order.order_id, order)).collect();
    keys(facts, found);
    for (&id, account) in &accounts {
        let strange = format!("the provider's ledger has {:?}", account.strange);
        found.expect(account.strange.is_empty(), "ledger-words", id, strange);
        match orders.get(&id) {
            None => found.add("charge-without-order", id, format!("the provider knows of {account:?}")),
            Some(order) => of_order(order, account, found),
        }
    }
    for (&id, order) in &orders {
        let account = accounts.get(&id).cloned().unwrap_or_default();
        kept(facts, order, &account, found);
        if let Some(payment) = facts.details.get(&id).and_then(|detail| detail.payment.as_ref()) {
            let charged = matches!(payment.status.as_str(), "CHARGED" | "REFUNDING" | "REFUNDED");
            let booked = if charged { payment.amount.minor() } else { 0 };
            let detail = format!("the payment is {payment:?}, the provider's account {account:?}");
            let agrees = booked == account.charged() && payment.refunded.minor() == account.refunded();
            found.expect(agrees, "provider-agrees", id, detail);
        }
    }
}

/// Otherwise the provider performed one request twice.
fn keys(facts: &Facts, found: &mut Findings) {
    let mut seen = BTreeSet::new();
    for entry in facts.provider.iter().filter(|entry| entry.idempotency_key.is_some()) {
        let once = seen.insert((&entry.operation, &entry.idempotency_key));
        let detail = format!("{} was done twice for key {:?}", entry.operation, entry.idempotency_key);
        found.expect(once, "one-key-one-charge", entry.order_id, detail);
    }
}

/// Otherwise a customer was charged twice, charged too much, or refunded too much.
fn of_order(order: &OrderSummary, account: &Account, found: &mut Findings) {
    let id = order.order_id;
    let charges = &account.charges;
    found.expect(charges.len() <= 1, "charged-once", id, format!("it was charged {charges:?}"));
    let right = charges.iter().all(|&amount| amount == order.total_amount);
    found.expect(right, "charged-total", id, format!("{charges:?} charged for a total of {}", order.total_amount));
    let detail = format!("{:?} refunded of {charges:?}", account.refunds);
    found.expect(account.refunded() <= account.charged(), "refund-exceeds-charge", id, detail);
}

/// Otherwise the shop keeps money for an order that has failed, or ships without a charge.
fn kept(facts: &Facts, order: &OrderSummary, account: &Account, found: &mut Findings) {
    let id = order.order_id;
    let left = account.charged() - account.refunded();
    let status = order.status;
    match status {
        OrderStatus::Delivered | OrderStatus::Shipped => {
            found.expect(!account.charges.is_empty(), "shipped-unpaid", id, format!("{status:?} without a charge"));
            let asked: i64 = facts.history.refunds.get(&id).into_iter().flatten().map(|amount| amount.minor()).sum();
            let detail =
                format!("{} refunded, {} requested", Money::from_minor(account.refunded()), Money::from_minor(asked));
            found.expect(account.refunded() == asked, "refunded-as-asked", id, detail);
        }
        OrderStatus::Cancelled | OrderStatus::Failed => {
            found.expect(left == 0, "money-kept", id, format!("{status:?}, and {} are kept", Money::from_minor(left)));
        }
        _ => {}
    }
}
