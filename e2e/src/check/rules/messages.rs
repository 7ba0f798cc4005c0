//! Customers get one notification per event and channel.

use std::collections::BTreeMap;

use events::OrderStatus;
use uuid::Uuid;

use crate::check::{Facts, Findings, facts::Detail};

pub fn check(facts: &Facts, found: &mut Findings) {
    for (&id, detail) in &facts.details {
        once(id, detail, found);
        complete(id, detail, found);
    }
}

/// Otherwise a customer gets a message twice. Excludes refunds: an order can have several.
fn once(id: Uuid, detail: &Detail, found: &mut Findings) {
    let mut counts = BTreeMap::<(&str, &str), usize>::new();
    for message in detail.notifications.iter().filter(|message| !message.event.starts_with("PaymentRefunded")) {
        *counts.entry((&message.event, &message.channel)).or_default() += 1;
    }
    for ((event, channel), times) in counts {
        found.expect(times == 1, "notified-once", id, format!("{times} notifications of {event} by {channel}"));
    }
}

/// Otherwise a customer misses a notification. Skips orders without any notification: the
/// preferences of the customer may exclude them.
fn complete(id: Uuid, detail: &Detail, found: &mut Findings) {
    for message in &detail.notifications {
        found.expect(message.status != "PENDING", "message-sent", id, format!("{} is still pending", message.event));
    }
    if detail.notifications.is_empty() {
        return;
    }
    for step in &detail.history {
        let event = match step.status {
            OrderStatus::Confirmed => "OrderConfirmed",
            OrderStatus::Shipped => "OrderShipped",
            OrderStatus::Delivered => "OrderDelivered",
            OrderStatus::Cancelled => "OrderCancelled",
            OrderStatus::Failed => "OrderStatusChanged",
            _ => continue,
        };
        let notified = detail.notifications.iter().any(|message| message.event.starts_with(event));
        found.expect(notified, "notified", id, format!("no notification of {event}"));
    }
}
