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
fn everyone_publishes_only_what_is_theirs() {
    let reactions = REACTIONS.iter().flat_map(|it| it.publishes().map(|event| (it.service, event)));
    let starts = STARTS.iter().flat_map(|it| it.publishes.iter().map(|&event| (it.service, event)));
    for (service, event) in reactions.chain(starts) {
        assert_eq!(topic_of(event).map(|topic| topic.owner), Some(service), "{event}");
    }
}

#[test]
fn every_type_is_published_by_something_and_heard_by_someone() {
    let published: BTreeSet<_> = edges().into_iter().map(|(_, event)| event).collect();
    let heard: BTreeSet<_> = REACTIONS.iter().flat_map(|it| it.on).copied().collect();
    assert_eq!(published, all_types());
    assert_eq!(heard, all_types());
}

#[test]
fn nothing_is_owed_that_nothing_measures() {
    for it in REACTIONS.iter().filter(|it| !it.owes.is_empty()) {
        assert!(it.within.is_some() || it.does.contains("RESERVATION_EXPIRED"), "{it:?}");
    }
}

/// Else two rows would disagree about what it owes.
#[test]
fn a_service_reacts_to_a_type_in_one_way() {
    let pairs: Vec<_> = REACTIONS.iter().flat_map(|it| it.on.iter().map(|&on| (it.service, on))).collect();
    let distinct: BTreeSet<_> = pairs.iter().collect();
    assert_eq!(pairs.len(), distinct.len());
}

#[test]
fn who_listens_to_which_topics() {
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
fn what_is_heard_in_a_topic() {
    let in_topic = |service, name| heard_by(service).into_iter().find(|(topic, _)| *topic == name).unwrap().1;
    assert_eq!(in_topic(service::PAYMENT, "orders-in"), ["OrderCreated.v1", "OrderCancelled.v1"]);
    assert_eq!(in_topic(service::FULFILLMENT, "orders-in"), ["OrderCancellationRequested.v1", "OrderCancelled.v1"]);
    assert_eq!(in_topic(service::PAYMENT, "shipping-updates"), ["OrderShipped.v1"]);
    assert_eq!(in_topic(service::NOTIFICATION, "shipping-updates"), ["OrderShipped.v1", "OrderDelivered.v1"]);
}

#[test]
fn who_publishes_what() {
    let topics = |service| published_by(service).into_iter().map(|(topic, _)| topic).collect::<Vec<_>>().join(" ");
    assert_eq!(topics(service::ORDER), "orders-in orders-validated order-status");
    assert_eq!(topics(service::INVENTORY), "inventory-updates catalog");
    assert_eq!(topics(service::ANALYTICS), "");
}
