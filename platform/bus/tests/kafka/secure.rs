//! Passwords, certificates and permissions, on a Kafka that requires them.

use std::{fs, time::Duration};

use bus::{
    Bus, BusError, TopicSpec,
    kafka::{Kafka, KafkaOptions, KafkaSecurity},
};

use super::{
    faults::Own,
    helpers::{list, numbered, publish, sorted, take},
    open,
};

fn options(kafka: &Own, user: &str) -> KafkaOptions {
    let secure = kafka.path().join("secure");
    let security = KafkaSecurity {
        protocol: Some("sasl_ssl".to_owned()),
        mechanism: Some("SCRAM-SHA-512".to_owned()),
        user: Some(user.to_owned()),
        password: Some(fs::read_to_string(secure.join(format!("{user}.password"))).unwrap().trim().into()),
        ca: Some(secure.join("ca.pem")),
        ..KafkaSecurity::default()
    };
    KafkaOptions { client: user.to_owned(), security, ..kafka.options() }
}

async fn refused(options: KafkaOptions) -> String {
    match Kafka::open(options, Duration::from_secs(20)).await {
        Err(BusError::Setup(why)) => why,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it is let in"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kafka: compose/with kafka -- cargo test -p bus --test kafka -- --ignored"]
async fn users_are_authenticated_and_have_only_their_permissions() {
    let kafka = Own::start(&["--secure"]);

    let mut wrong = options(&kafka, "order");
    wrong.security.password = Some("guessed".into());
    let why = refused(wrong).await;
    assert!(why.contains("user order") && why.contains("wrong user or password"), "{why}");

    let mut unknown = options(&kafka, "order");
    unknown.security.ca = None;
    let why = refused(unknown).await;
    assert!(why.contains("certificate"), "{why}");

    let mut missing = options(&kafka, "order");
    missing.security.ca = Some("/nowhere/ca.pem".into());
    let why = refused(missing).await;
    assert!(why.contains("ca.pem") || why.contains("ssl.ca.location"), "{why}");

    let plain = KafkaOptions { security: KafkaSecurity::default(), ..options(&kafka, "order") };
    assert!(Kafka::open(plain, Duration::from_secs(2)).await.is_err());

    // A service may use its own topics and groups.
    let admin = open(options(&kafka, "admin")).await;
    let topic = |name: &str| TopicSpec { name: name.into(), partitions: 2, compacted: false, retention: None };
    admin.create_topics(&[topic("orders-in"), topic("payment-updates")]).await.unwrap();
    let (order, payment) = (open(options(&kafka, "order")).await, open(options(&kafka, "payment")).await);
    let (orders, payments) = (["orders-in".into()], ["payment-updates".into()]);
    publish(&*order, numbered(&orders[0], 0..10)).await;
    let mut member = payment.subscribe("payment", &orders).await.unwrap();
    assert_eq!(sorted(&take(&mut *member, 10).await), list(0..10));

    // A service may use nothing else.
    let published = order.publish(numbered(&payments[0], 0..1)).await;
    assert!(matches!(&published.failure, Some(BusError::Refused(why)) if why.contains("user order")), "{published:?}");
    assert!(order.health().await.unwrap_err().contains("not allowed to write to topic payment-updates"));
    let refused = async |bus: &dyn Bus, group: &str, topics| {
        let mut member = bus.subscribe(group, topics).await?;
        loop {
            member.next(1).await?;
        }
        #[expect(unreachable_code, reason = "says what is returned")]
        Ok::<(), BusError>(())
    };
    let error = refused(&*order, "payment", &payments).await.unwrap_err();
    assert!(matches!(&error, BusError::Refused(why) if why.contains("group payment")), "{error}");
    let why = payment.subscribe("payment", &orders).await.err().map(|it| it.to_string());
    assert_eq!(why, None);
    assert!(payment.health().await.is_ok(), "a permission refused to one bus does not affect the other");
    // A missing permission for a dead-letter topic does not make the bus unhealthy: the relay leaves the copy out.
    let letters = std::sync::Arc::from("catalog.DLQ");
    let optional_topics = ["catalog.DLQ".to_owned()].into();
    let fulfillment = open(KafkaOptions { optional_topics, ..options(&kafka, "fulfillment") }).await;
    admin.create_topics(&[topic(&letters)]).await.unwrap();
    let published = fulfillment.publish(numbered(&letters, 0..1)).await;
    assert!(matches!(published.failure, Some(BusError::Refused(_))) && published.durable == 0, "{published:?}");
    assert!(fulfillment.health().await.is_ok());
    fulfillment.close().await;
    let inventory = open(options(&kafka, "inventory")).await;
    let hidden = ["hidden".into()];
    admin.create_topics(&[topic("hidden")]).await.unwrap();
    let error = refused(&*inventory, "payment", &orders).await.unwrap_err();
    assert!(matches!(&error, BusError::Refused(why) if why.contains("group payment")), "{error}");
    let why = inventory.health().await.unwrap_err();
    assert!(why.contains("group payment"), "{why}");
    let error = refused(&*inventory, "inventory", &hidden).await.unwrap_err();
    assert!(matches!(&error, BusError::Refused(why) if why.contains("hidden")), "{error}");
    for bus in [admin, order, payment, inventory] {
        bus.close().await;
    }
}
