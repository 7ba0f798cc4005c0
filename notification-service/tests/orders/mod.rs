//! The events of one order: the golden samples of the services that publish them.
#![allow(dead_code, reason = "each test file uses some of it")]

use bus::{Outgoing, Record};
use chrono::DateTime;
use clock::Clock;
use events::{Event, choreography, contract::contract_of};
use notification_service::{
    domain::{
        Channel, Notify,
        rows::{Notification, Preferences},
    },
    saga::NotificationSaga,
};
use saga::{Consequences, Delivery, InputSource};
use serde_json::{Value, json};
use telemetry::Trace;
use testkit::{Ended, Node};
use uuid::Uuid;

pub const ORDER: Uuid = Uuid::from_u128(0x019b_ef52_5a00_70de_8000_0000_0000_0001);
pub const CUSTOMER: Uuid = Uuid::from_u128(0x019b_ef52_5a00_7c05_8000_0000_0000_0001);

/// The events that a customer is notified about.
pub const NOTIFYING: [&str; 6] = [
    "OrderConfirmed.v1",
    "OrderShipped.v1",
    "OrderDelivered.v1",
    "OrderCancelled.v1",
    "PaymentRefunded.v1",
    "OrderStatusChanged.v1",
];

pub type Service = Node<NotificationSaga>;

/// A service without input.
pub fn empty() -> Service {
    let (clock, _) = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap(), 1);
    Node::new("notification-service", NotificationSaga, choreography::heard_by("notification"), clock)
}

/// A service with the order's contact.
pub fn with_contact() -> Service {
    let mut service = empty();
    assert!(matches!(receive(&mut service, "OrderCreated.v1"), Ended::Done));
    service
}

/// The event as JSON, with the one status that a customer is notified about.
pub fn sample(kind: &str) -> Value {
    let mut json: Value = serde_json::from_str(contract_of(kind).expect("a known type").sample).unwrap();
    if kind == "OrderStatusChanged.v1" {
        (json["status"], json["reason"]) = (json!("FAILED"), json!("CARD_DECLINED"));
    }
    json
}

pub fn receive(service: &mut Service, kind: &str) -> Ended {
    service.event(ORDER, kind, &sample(kind))
}

/// A further refund.
pub fn refund(service: &mut Service, refund: u128) -> Ended {
    let mut event = sample("PaymentRefunded.v1");
    event["refundId"] = json!(Uuid::from_u128(refund));
    service.event(ORDER, "PaymentRefunded.v1", &event)
}

/// The event as its service publishes it.
pub fn of(event: &impl Event) -> Outgoing {
    let mut out = Consequences::new("order-service", Clock::system());
    let delivery = Delivery {
        id: ORDER,
        source: InputSource::Command,
        key: ORDER,
        cause: None,
        at: DateTime::UNIX_EPOCH,
        sequence: 0,
        trace: Trace::default(),
        input: (),
    };
    out.of(&delivery).publish(&mut 0, event);
    out.into_parts().events.remove(0)
}

pub fn published<E: Event + serde::de::DeserializeOwned>() -> Outgoing {
    of(&serde_json::from_value::<E>(sample(E::TYPE)).unwrap())
}

pub fn record<E: Event + serde::de::DeserializeOwned>() -> Record {
    let Outgoing { topic, message } = published::<E>();
    Record { topic, partition: 0, offset: 0, message }
}

/// The requests to send a message that have no outcome yet.
pub fn requests(service: &Service) -> Vec<Notify> {
    service.effects.values().map(|request| serde_json::from_str(&request.request).unwrap()).collect()
}

pub fn only_request(service: &Service) -> Notify {
    let mut all = requests(service);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

pub fn messages(service: &Service) -> Vec<&Notification> {
    service.work.notifications.iter().collect()
}

pub fn channels(service: &Service) -> Vec<Channel> {
    requests(service).iter().map(|request| request.channel).collect()
}

pub fn preferences(email: bool, sms: bool, language: &str) -> Preferences {
    Preferences { customer_id: CUSTOMER, email, sms, language: language.into() }
}
