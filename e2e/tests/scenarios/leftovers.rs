//! Violates each rule about leftovers from inside a running system: the checker must report it.
//! Unavailable metrics must fail the check as well.

use std::{borrow::Cow, sync::Arc, time::Duration};

use bus::{
    Bus, Message, Outgoing,
    embedded::{EmbeddedLog, EmbeddedOptions},
    kafka::{Kafka, KafkaOptions},
};
use clock::Clock;
use e2e::{
    check::{CheckError, Violation, leftovers::Unasked},
    ids,
    shop::NewOrder,
    system::{Server, Stage, System, free_address},
};
use events::{Event as _, InventoryReserved, OrderCreated, OrderStatus, envelope};
use saga::tables::outbox;
use store::{Db, bulk};

use crate::world::{at, becomes, check_all, run_check, system};

#[tokio::test]
async fn leftovers_are_found_in_every_service() {
    let system = system(&[]).await;
    let shop = at(&system);
    let product = shop.product("20.00", 50).await.unwrap();
    let order = shop.place(&NewOrder::of(&product, 1)).await.unwrap().order_id;
    becomes(&shop, order, OrderStatus::Delivered).await;
    check_all(&system, &shop).await;

    leave_behind(&system).await;
    let violations = match run_check(&shop, &system.addresses()).await {
        Err(CheckError::Broken(violations)) => violations,
        other => panic!("{other:?}"),
    };
    for (rule, detail) in [
        ("no-dead-letters", "1 of orders-in in inventory"),
        ("no-dead-letters", "1 of orders-in in payment"),
        ("nothing-parked", "1 of inventory-updates wait in payment"),
        ("outbox-empty", "3 messages of fulfillment are not on the bus"),
    ] {
        let is_it = |it: &Violation| it.rule == rule && it.detail == detail;
        assert!(violations.iter().any(is_it), "{rule}: {detail} is not among {violations:#?}");
    }
}

#[tokio::test]
async fn an_unreachable_process_fails_the_check() {
    let system = system(&[]).await;
    let shop = at(&system);
    let nobody = free_address().unwrap();
    let with_nobody = [system.addresses(), vec![nobody]].concat();
    let (with_nobody, none) = tokio::join!(run_check(&shop, &with_nobody), run_check(&shop, &[]));
    let is_nobody = |error: &Unasked| matches!(error, Unasked::Call { process, .. } if *process == nobody);
    assert!(matches!(&with_nobody, Err(CheckError::Unasked(error)) if is_nobody(error)), "{with_nobody:?}");
    assert!(matches!(&none, Err(CheckError::Unasked(Unasked::Unknown { .. }))), "{none:?}");
}

/// Adds a record that cannot be decoded, a record that waits for an order that does not exist, and
/// an outbox row that the relay cannot decode.
async fn leave_behind(system: &System) {
    let unreadable = record(OrderCreated::TOPIC, OrderCreated::TYPE, "{");
    let early = record(InventoryReserved::TOPIC, InventoryReserved::TYPE, "{}");
    let (service, messages) = ("fulfillment", 3);
    if let Some(database) = system.database(service) {
        let brokers = system.setting("bus.url").unwrap().trim_start_matches("kafka://").to_owned();
        let topic_prefix = system.setting("bus.topic_prefix").unwrap().to_owned();
        let options = KafkaOptions { brokers, topic_prefix, client: "e2e".to_owned(), ..KafkaOptions::default() };
        publish(&Kafka::open(options, Duration::from_secs(10)).await.unwrap(), vec![unreadable, early]).await;
        let url = format!("{}/{database}", Stage::given().unwrap().databases);
        let row =
            format!("INSERT INTO outbox (shard, at, messages, records) VALUES (0, now(), {messages}, '\\xff'::bytea)");
        return Server::given("postgres").unwrap().sql(&url, &row).await;
    }
    // `uzon dev` locks its files: they are changed while it is stopped.
    assert!(system.terminate().await.unwrap().success());
    let file = |name: &str| system.data_path().join(format!("{name}.sqlite"));
    let log = EmbeddedLog::open(&file("bus"), EmbeddedOptions::default(), Clock::system()).unwrap();
    publish(&log, vec![unreadable, early]).await;
    let db = Db::open(&format!("sqlite:{}", file(service).display()), 3).await.unwrap();
    let tx = db.begin().await.unwrap();
    let row = outbox::Model { id: 1, shard: 0, at: Clock::system().now(), messages, records: vec![0xff] };
    bulk::insert::<outbox::Entity>(&tx, vec![row]).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await.unwrap();
    system.start_again().await.unwrap();
}

/// A record about an order that does not exist.
fn record(topic: &str, kind: &str, body: &'static str) -> Outgoing {
    let header = |name: &'static str, value: String| (Cow::Borrowed(name), value.into());
    let headers = vec![
        header(envelope::ID, ids::fresh().to_string()),
        header(envelope::TYPE, kind.to_owned()),
        header(envelope::TIME, Clock::system().now().to_rfc3339()),
    ];
    let message = Message { key: ids::fresh().to_string().into(), headers, value: body.into() };
    Outgoing { topic: topic.into(), message: Arc::new(message) }
}

async fn publish(bus: &dyn Bus, records: Vec<Outgoing>) {
    let wanted = records.len();
    let published = bus.publish(records).await;
    assert_eq!(published.durable, wanted, "{:?}", published.failure);
    bus.close().await;
}
