//! Facts that violate the rules: the checker must report each violation.

use events::{Money, OrderStatus};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Facts, facts::Whole, leftovers::Leftovers, violations};
use crate::{
    model::{LedgerEntry, Order, OrderSummary},
    shop::{Accepted, Wanted},
};

const DELIVERED: Uuid = Uuid::from_u128(1);
const REFUNDED: Uuid = Uuid::from_u128(2);
const DECLINED: Uuid = Uuid::from_u128(3);
const PRODUCT: Uuid = Uuid::from_u128(9);
const AT: &str = "2026-01-24T10:00:00.000Z";

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn entry(order: Uuid, operation: &str, amount: Option<&str>) -> LedgerEntry {
    let key = format!("{operation}:{order}");
    read(
        json!({ "reference": "r", "idempotencyKey": key, "orderId": order, "operation": operation, "amount": amount, "at": AT }),
    )
}

/// Three orders of two units at 10.00: one delivered, one cancelled after it was paid, one
/// declined.
fn sound() -> Facts {
    let mut facts = Facts { whole: Some(Whole::default()), ..Facts::default() };
    add(&mut facts, DELIVERED, &["PENDING", "RESERVED", "CONFIRMED", "SHIPPED", "DELIVERED"], None, "CHARGED");
    let cancelled = ["PENDING", "RESERVED", "CONFIRMED", "CANCELLING", "CANCELLED"];
    add(&mut facts, REFUNDED, &cancelled, Some("CUSTOMER_REQUEST"), "REFUNDED");
    add(&mut facts, DECLINED, &["PENDING", "RESERVED", "FAILED"], Some("CARD_DECLINED"), "DECLINED");
    for (order, operation) in [(DELIVERED, "CHARGE"), (REFUNDED, "CHARGE"), (REFUNDED, "REFUND")] {
        facts.provider.push(entry(order, operation, Some("20.00")));
    }
    for operation in ["BOOK", "PICK_UP", "DELIVER"] {
        facts.carrier.push(entry(DELIVERED, operation, None));
    }
    facts.carrier.extend(["BOOK", "CANCEL"].map(|operation| entry(REFUNDED, operation, None)));
    facts
        .products
        .push(read(json!({ "productId": PRODUCT, "sku": "T", "name": "Teapot", "price": "10.00", "currency": "EUR",
        "available": 98, "reserved": 0, "shipped": 2, "version": 1 })));
    facts.history.received.insert(PRODUCT, 100);
    facts.history.cancelling.insert(REFUNDED);
    let whole = facts.whole.as_mut().unwrap();
    whole.dashboard = Some(read(json!({
        "orders": { "placed": 3, "reserved": 3, "confirmed": 2, "shipped": 1, "delivered": 1, "cancelled": 1, "failed": 1, "open": 0 },
        "revenue": [{ "currency": "EUR", "charged": "40.00", "refunded": "20.00", "net": "20.00" }],
        "failures": [{ "reason": "CARD_DECLINED", "orders": 1 }, { "reason": "CUSTOMER_REQUEST", "orders": 1 }],
        "topProducts": [], "funnel": [], "series": [] })));
    for service in events::service::ALL {
        whole.leftovers.insert(service.to_owned(), Leftovers::default());
    }
    facts
}

fn add(facts: &mut Facts, id: Uuid, path: &[&str], reason: Option<&str>, payment: &str) {
    let status = *path.last().unwrap();
    let (kept, parcel) = if status == "DELIVERED" { ("SHIPPED", "Delivered") } else { ("RELEASED", "Cancelled") };
    let refunded = if payment == "REFUNDED" { "20.00" } else { "0.00" };
    let shown = json!({ "status": payment, "paymentId": null, "amount": "20.00", "refunded": refunded });
    let shipment = (status != "FAILED")
        .then(|| json!({ "orderId": id, "status": parcel, "carrier": "C", "trackingNumber": "T1" }));
    let order: Order = read(
        json!({ "orderId": id, "customerId": id, "status": status, "statusText": "", "reason": reason,
        "version": path.len(), "currency": "EUR", "totalAmount": "20.00", "createdAt": AT, "updatedAt": AT,
        "items": [{ "productId": PRODUCT, "productName": "Teapot", "quantity": 2, "price": "10.00", "lineTotal": "20.00" }],
        "payment": shown, "shipment": shipment, "links": {} }),
    );
    let steps = (1..).zip(path).map(|(version, status)| {
        read(json!({ "version": version, "status": status, "at": AT, "cause": { "type": "x", "eventId": null } }))
    });
    let events = path.iter().filter_map(|status| match *status {
        "CONFIRMED" => Some("OrderConfirmed"),
        "SHIPPED" => Some("OrderShipped"),
        "DELIVERED" => Some("OrderDelivered"),
        "CANCELLED" => Some("OrderCancelled"),
        "FAILED" => Some("OrderStatusChanged"),
        _ => None,
    });
    let messages = events.map(|event| {
        read(json!({ "notificationId": id, "orderId": id, "event": format!("{event}.v1"), "channel": "email", "status": "SENT" }))
    });
    let detail = super::facts::Detail {
        order,
        history: steps.collect(),
        payment: Some(read(
            json!({ "orderId": id, "status": payment, "reason": null, "currency": "EUR", "amount": "20.00", "refunded": refunded }),
        )),
        reservations: vec![read(json!({ "orderId": id, "productId": PRODUCT, "quantity": 2, "status": kept }))],
        shipment: shipment.map(read),
        notifications: messages.collect(),
    };
    facts.details.insert(id, detail);
    facts
        .orders
        .push(read::<OrderSummary>(json!({ "orderId": id, "status": status, "statusText": "", "version": path.len(),
        "currency": "EUR", "totalAmount": "20.00", "createdAt": AT, "links": {} })));
    let token = if status == "FAILED" { "tok_declined" } else { "tok_ok" };
    let wanted = Wanted { items: vec![(PRODUCT, 2)], token: token.to_owned() };
    facts.history.accepted.insert(id.to_string(), Accepted { order_id: id, total: Money::from_minor(2000), wanted });
}

fn rules(facts: &Facts) -> Vec<&'static str> {
    let mut rules: Vec<_> = violations(facts).iter().map(|violation| violation.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[track_caller]
fn breaks(rule: &str, spoil: impl FnOnce(&mut Facts)) {
    let mut facts = sound();
    spoil(&mut facts);
    let found = rules(&facts);
    assert!(found.contains(&rule), "{rule} was not found, only {found:?}");
}

fn detail(facts: &mut Facts, id: Uuid) -> &mut super::facts::Detail {
    facts.details.get_mut(&id).unwrap()
}

fn listed(facts: &mut Facts, id: Uuid) -> &mut OrderSummary {
    facts.orders.iter_mut().find(|order| order.order_id == id).unwrap()
}

#[test]
fn sound_facts_are_sound() {
    assert_eq!(violations(&sound()), []);
}

#[test]
fn orders_lost_doubled_or_made_up() {
    breaks("accepted-exists", |facts| facts.orders.retain(|order| order.order_id != DECLINED));
    breaks("listed-once", |facts| facts.orders.push(facts.orders[0].clone()));
    breaks("nobody-placed-it", |facts| drop(facts.history.accepted.remove(&DECLINED.to_string())));
    breaks("one-key-one-order", |facts| {
        let same = facts.history.accepted[&DECLINED.to_string()].clone();
        facts.history.accepted.insert("another".to_owned(), same);
    });
}

#[test]
fn an_order_whose_answer_was_lost_may_exist() {
    let mut facts = sound();
    let accepted = facts.history.accepted.remove(&DECLINED.to_string()).unwrap();
    facts.history.unanswered.insert("key".to_owned(), accepted.wanted);
    assert_eq!(violations(&facts), []);
}

#[test]
fn orders_that_stop_or_jump() {
    breaks("terminal", |facts| listed(facts, DECLINED).status = OrderStatus::Reserved);
    breaks("history-versions", |facts| drop(detail(facts, DELIVERED).history.remove(2)));
    breaks("history-versions", |facts| detail(facts, DELIVERED).history[1].version = 1);
    breaks("history-path", |facts| detail(facts, DELIVERED).history[2].status = OrderStatus::Cancelling);
    breaks("history-path", |facts| detail(facts, DECLINED).history[1].status = OrderStatus::Delivered);
    breaks("history-path", |facts| detail(facts, DECLINED).history[0].status = OrderStatus::Reserved);
    breaks("history-time", |facts| detail(facts, DELIVERED).history[4].at = "2026-01-24T09:00:00Z".parse().unwrap());
    breaks("history-end", |facts| detail(facts, DELIVERED).order.version = 9);
    breaks("reason", |facts| detail(facts, DECLINED).order.reason = None);
    breaks("total", |facts| listed(facts, DELIVERED).total_amount = Money::from_minor(1));
    breaks("items", |facts| detail(facts, DELIVERED).order.items[0].quantity = 3);
}

#[test]
fn orders_that_end_as_nobody_wished() {
    fn paid_with(facts: &mut Facts, id: Uuid, token: &str) {
        token.clone_into(&mut facts.history.accepted.get_mut(&id.to_string()).unwrap().wanted.token);
    }
    breaks("declined-yet-confirmed", |facts| paid_with(facts, DELIVERED, "tok_declined"));
    breaks("failed-for-nothing", |facts| paid_with(facts, DECLINED, "tok_ok"));
    breaks("cancelled-by-nobody", |facts| facts.history.cancelling.clear());
}

#[test]
fn services_that_disagree() {
    breaks("payment-agrees", |facts| detail(facts, DELIVERED).payment = None);
    breaks("payment-agrees", |facts| {
        "CHARGED".clone_into(&mut detail(facts, DECLINED).payment.as_mut().unwrap().status);
    });
    breaks("reservation-agrees", |facts| "COMMITTED".clone_into(&mut detail(facts, DELIVERED).reservations[0].status));
    breaks("reservation-agrees", |facts| detail(facts, DELIVERED).reservations[0].quantity = 1);
    breaks("reservation-agrees", |facts| detail(facts, DELIVERED).reservations.clear());
    breaks("reservation-agrees", |facts| "RESERVED".clone_into(&mut detail(facts, REFUNDED).reservations[0].status));
    breaks("shipment-agrees", |facts| detail(facts, DELIVERED).shipment = None);
    breaks("shipment-agrees", |facts| {
        "Shipped".clone_into(&mut detail(facts, REFUNDED).shipment.as_mut().unwrap().status);
    });
    breaks("tracking-number", |facts| detail(facts, DELIVERED).shipment.as_mut().unwrap().tracking_number = None);
    breaks("shown-shipment", |facts| detail(facts, DELIVERED).order.shipment = None);
    breaks("shown-payment", |facts| detail(facts, REFUNDED).order.payment.as_mut().unwrap().refunded = Money::ZERO);
}

#[test]
fn money_that_is_not_conserved() {
    breaks("charged-once", |facts| {
        facts.provider.push(LedgerEntry { idempotency_key: None, ..facts.provider[0].clone() });
    });
    breaks("one-key-one-charge", |facts| facts.provider.push(facts.provider[0].clone()));
    breaks("charged-total", |facts| facts.provider[0].amount = Some(Money::from_minor(1)));
    breaks("charge-without-order", |facts| facts.provider.push(entry(Uuid::from_u128(77), "CHARGE", Some("20.00"))));
    breaks("shipped-unpaid", |facts| drop(facts.provider.remove(0)));
    breaks("money-kept", |facts| drop(facts.provider.remove(2)));
    breaks("money-kept", |facts| facts.provider.push(entry(DECLINED, "CHARGE", Some("20.00"))));
    breaks("provider-agrees", |facts| facts.provider.push(entry(DECLINED, "CHARGE", Some("20.00"))));
    breaks("refund-exceeds-charge", |facts| facts.provider[2].amount = Some(Money::from_minor(2001)));
    breaks("refunded-as-asked", |facts| facts.provider.push(entry(DELIVERED, "REFUND", Some("5.00"))));
    breaks("refunded-as-asked", |facts| {
        facts.history.refunds.insert(DELIVERED, vec![Money::from_minor(500)]);
    });
    breaks("ledger-words", |facts| facts.provider.push(entry(DELIVERED, "GIFT", None)));
}

#[test]
fn stock_that_is_not_conserved() {
    breaks("stock-negative", |facts| facts.products[0].available = -1);
    breaks("stock-conserved", |facts| facts.products[0].available = 97);
    breaks("stock-reserved", |facts| (facts.products[0].available, facts.products[0].reserved) = (96, 2));
    breaks("stock-shipped", |facts| (facts.products[0].available, facts.products[0].shipped) = (96, 4));
    breaks("oversold", |facts| {
        facts.history.received.insert(PRODUCT, 1);
    });
}

#[test]
fn parcels_that_should_not_be() {
    breaks("shipped-once", |facts| {
        facts.carrier.push(LedgerEntry { idempotency_key: None, ..facts.carrier[0].clone() });
    });
    breaks("one-key-one-booking", |facts| facts.carrier.push(facts.carrier[0].clone()));
    breaks("shipped-unpaid", |facts| facts.carrier.push(entry(DECLINED, "PICK_UP", None)));
    breaks("parcel-alive", |facts| drop(facts.carrier.pop()));
    breaks("parcel-alive", |facts| facts.carrier.push(entry(REFUNDED, "PICK_UP", None)));
    breaks("parcel-without-order", |facts| facts.carrier.push(entry(Uuid::from_u128(77), "BOOK", None)));
    breaks("delivered-by-nobody", |facts| drop(facts.carrier.remove(2)));
    breaks("ledger-words", |facts| facts.carrier.push(entry(DELIVERED, "LOSE", None)));
}

#[test]
fn messages_missing_or_doubled() {
    breaks("notified-once", |facts| {
        let messages = &mut detail(facts, DELIVERED).notifications;
        messages.push(messages[0].clone());
    });
    breaks("notified", |facts| drop(detail(facts, DELIVERED).notifications.pop()));
    breaks("message-sent", |facts| "PENDING".clone_into(&mut detail(facts, DELIVERED).notifications[0].status));
}

#[test]
fn totals_that_are_wrong() {
    type Spoil = fn(&mut crate::model::Dashboard);
    let spoilt: [(&str, Spoil); 6] = [
        ("analytics-orders", |shown| shown.orders.placed += 1),
        ("analytics-orders", |shown| shown.orders.delivered -= 1),
        ("analytics-orders", |shown| shown.orders.open += 1),
        ("analytics-failures", |shown| shown.failures[0].orders += 1),
        ("analytics-money", |shown| shown.revenue[0].charged = Money::from_minor(1)),
        ("analytics-money", |shown| shown.revenue.clear()),
    ];
    for (rule, spoil) in spoilt {
        breaks(rule, |facts| spoil(facts.whole.as_mut().unwrap().dashboard.as_mut().unwrap()));
    }
}

#[test]
fn leftovers_in_a_service() {
    fn left(facts: &mut Facts) -> &mut Leftovers {
        facts.whole.as_mut().unwrap().leftovers.get_mut("payment").unwrap()
    }
    breaks("outbox-empty", |facts| left(facts).outbox = 1);
    breaks("nothing-parked", |facts| {
        left(facts).parked.insert("orders-in".to_owned(), 1);
    });
    breaks("no-dead-letters", |facts| {
        left(facts).dead_letters.insert("orders-in".to_owned(), 1);
    });
    let mut facts = sound();
    left(&mut facts).parked.insert("orders-in".to_owned(), 0);
    assert_eq!(violations(&facts), []);
}
