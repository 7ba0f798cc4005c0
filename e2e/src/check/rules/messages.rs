//! Customers are told of each thing that matters, once per channel.

use std::collections::BTreeMap;

use events::OrderStatus;
use uuid::Uuid;

use crate::check::{Facts, Findings, facts::Detail};

pub fn check(facts: &Facts, found: &mut Findings) {
    for (&id, detail) in &facts.details {
        once(id, detail, found);
        told(id, detail, found);
    }
}

/// Otherwise a customer is pestered. Refunds can be several, so they are left out.
fn once(id: Uuid, detail: &Detail, found: &mut Findings) {
    let mut told = BTreeMap::<(&str, &str), usize>::new();
    for message in detail.notifications.iter().filter(|message| !message.event.starts_with("PaymentRefunded")) {
        *told.entry((&message.event, &message.channel)).or_default() += 1;
    }
    for ((event, channel), times) in told {
        found.expect(times == 1, "told-once", id, format!("{event} was told {times} times by {channel}"));
    }
}

/// Otherwise a customer waits for news that do not come. What is told depends on preferences, so only orders with any
/// message are judged: the first one that is told means that the customer wants to be told.
fn told(id: Uuid, detail: &Detail, found: &mut Findings) {
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
        let told = detail.notifications.iter().any(|message| message.event.starts_with(event));
        found.expect(told, "told", id, format!("nobody told of {event}"));
    }
}
