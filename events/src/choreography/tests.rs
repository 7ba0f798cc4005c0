use std::collections::BTreeSet;

use super::{REACTIONS, STARTS, TOPICS, edges, heard_by, published_by, topic_of};
use crate::service;

fn all_types() -> BTreeSet<&'static str> {
    TOPICS.iter().flat_map(|topic| topic.events).copied().collect()
}

#[test]
fn every_type_has_one_topic() {
    assert_eq!(all_types().len(), TOPICS.iter().map(|topic| topic.events.len()).sum::<usize>());
    assert_eq!(all_types().len(), 20);
}

#[test]
fn a_service_publishes_only_to_its_own_topics() {
    let reactions = REACTIONS.iter().flat_map(|it| it.publishes().map(|event| (it.service, event)));
    let starts = STARTS.iter().flat_map(|it| it.publishes.iter().map(|&event| (it.service, event)));
    for (service, event) in reactions.chain(starts) {
        assert_eq!(topic_of(event).map(|topic| topic.owner), Some(service), "{event}");
    }
}

#[test]
fn every_type_is_published_and_consumed() {
    let published: BTreeSet<_> = edges().into_iter().map(|(_, event)| event).collect();
    let consumed: BTreeSet<_> = REACTIONS.iter().flat_map(|it| it.on).copied().collect();
    assert_eq!(published, all_types());
    assert_eq!(consumed, all_types());
}

#[test]
fn every_owed_event_has_a_deadline_except_after_an_expiry() {
    for it in REACTIONS.iter().filter(|it| !it.owes.is_empty()) {
        assert!(it.within.is_some() || it.does.contains("RESERVATION_EXPIRED"), "{it:?}");
    }
}

/// Two reactions of a service to one type could owe different events.
#[test]
fn a_service_has_one_reaction_to_a_type() {
    let pairs: Vec<_> = REACTIONS.iter().flat_map(|it| it.on.iter().map(|&on| (it.service, on))).collect();
    let distinct: BTreeSet<_> = pairs.iter().collect();
    assert_eq!(pairs.len(), distinct.len());
}

#[test]
fn subscribed_topics_of_each_service() {
    let topics = |service| heard_by(service).into_iter().map(|(topic, _)| topic).collect::<Vec<_>>().join(" ");
    assert_eq!(topics(service::ORDER), "inventory-updates payment-updates shipping-updates catalog");
    assert_eq!(topics(service::INVENTORY), "orders-in payment-updates orders-validated shipping-updates");
    assert_eq!(topics(service::PAYMENT), "orders-in inventory-updates shipping-updates");
    assert_eq!(topics(service::FULFILLMENT), "orders-in orders-validated");
    assert_eq!(
        topics(service::NOTIFICATION),
        "orders-in payment-updates orders-validated shipping-updates order-status"
    );
    assert_eq!(heard_by(service::ANALYTICS).iter().map(|(_, types)| types.len()).sum::<usize>(), 19);
}

#[test]
fn consumed_types_of_a_topic() {
    let in_topic = |service, name| heard_by(service).into_iter().find(|(topic, _)| *topic == name).unwrap().1;
    assert_eq!(in_topic(service::PAYMENT, "orders-in"), ["OrderCreated.v1", "OrderCancelled.v1"]);
    assert_eq!(in_topic(service::FULFILLMENT, "orders-in"), ["OrderCancellationRequested.v1", "OrderCancelled.v1"]);
    assert_eq!(in_topic(service::PAYMENT, "shipping-updates"), ["OrderShipped.v1"]);
    assert_eq!(in_topic(service::NOTIFICATION, "shipping-updates"), ["OrderShipped.v1", "OrderDelivered.v1"]);
}

#[test]
fn published_topics_of_each_service() {
    let topics = |service| published_by(service).into_iter().map(|(topic, _)| topic).collect::<Vec<_>>().join(" ");
    assert_eq!(topics(service::ORDER), "orders-in orders-validated order-status");
    assert_eq!(topics(service::INVENTORY), "inventory-updates catalog");
    assert_eq!(topics(service::ANALYTICS), "");
}
