//! The API on a real service: database and log in a temporary folder.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod orders;

use bus::Outgoing;
use clock::Clock;
use events::{Event, OrderConfirmed, OrderCreated, OrderShipped};
use notification_service::{
    SETTINGS, Settings,
    domain::{SetPreferences, State, Work},
    inputs::Input,
    saga::NotificationSaga,
    service,
};
use orders::*;
use saga::{Consequences, Delivery, InputSource, Participant, Verdict, Workset};
use serde_json::{Value, json};
use settings::Loader;
use store::Db;
use telemetry::Trace;
use testkit::{Fixture, eventually};

const PREFERENCES: &str = "/api/v1/customers/019bef52-5a00-7c05-8000-000000000001/preferences";

async fn start(settings: &[&str]) -> Fixture {
    Fixture::start(service(&configured(settings))).await
}
fn configured(settings: &[&str]) -> Settings {
    let config = Loader::new().defaults(SETTINGS).set(settings.iter().copied()).load().unwrap();
    config.section("notification").unwrap()
}
async fn publish(it: &Fixture, events: Vec<Outgoing>) {
    let count = events.len();
    let done = it.host.bus.publish(events).await;
    assert_eq!(done.durable, count, "{:?}", done.failure);
}
async fn list(it: &Fixture, query: &str) -> Vec<Value> {
    let page = it.get(&format!("/api/v1/notifications?{query}")).await;
    assert_eq!(page.status, 200, "{}", page.json());
    page.json()["items"].as_array().unwrap().clone()
}
/// Waits until this many messages match.
async fn listed(it: &Fixture, query: &str, count: usize) -> Vec<Value> {
    let ask = async || Some(list(it, query).await).filter(|items| items.len() == count);
    eventually(&format!("{count} messages with {query}"), ask).await
}
async fn set(it: &Fixture, body: &Value) -> testkit::fixture::Reply {
    it.send("PUT", PREFERENCES, &[], Some(body)).await
}
async fn resend(it: &Fixture, id: &Value) -> testkit::fixture::Reply {
    it.send("POST", &format!("/api/v1/notifications/{}/resend", id.as_str().unwrap()), &[], None).await
}

#[tokio::test]
async fn messages_arrive_in_the_mailbox() {
    let it = start(&[]).await;
    assert_eq!(set(&it, &json!({ "email": true, "sms": true, "language": "de" })).await.status, 200);
    // The confirmation arrives before the order, and twice.
    let (confirmed, created) = (published::<OrderConfirmed>(), published::<OrderCreated>());
    publish(&it, vec![confirmed.clone(), confirmed, created]).await;
    publish(&it, vec![published::<OrderShipped>()]).await;

    let all = listed(&it, &format!("orderId={ORDER}&status=SENT"), 4).await;
    let sent: Vec<_> =
        all.iter().map(|one| (one["event"].as_str().unwrap(), one["channel"].as_str().unwrap())).collect();
    for (event, channel) in [("OrderShipped.v1", "sms"), ("OrderConfirmed.v1", "email")] {
        assert!(sent.contains(&(event, channel)), "{sent:?}");
    }
    let ids: Vec<_> = all.iter().map(|one| one["notificationId"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a > b), "newest first: {ids:?}");
    let mail = list(&it, "channel=email").await.into_iter().find(|one| one["event"] == "OrderConfirmed.v1").unwrap();
    assert_eq!(
        (&mail["orderId"], &mail["recipient"], &mail["status"], &mail["attempts"]),
        (&json!(ORDER), &json!("ada@example.org"), &json!("SENT"), &json!(1))
    );
    assert_eq!(mail["subject"], format!("Ihre Bestellung {ORDER} ist bestätigt"));
    assert!(mail["body"].as_str().unwrap().contains("2 × Teapot"), "{mail}");
    let time = |field: &str| mail[field].as_str().unwrap().ends_with('Z') && mail[field].as_str().unwrap().len() == 24;
    assert!(time("createdAt") && time("sentAt"), "{mail}");
    let fields: Vec<_> = mail.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "notificationId",
        "orderId",
        "event",
        "channel",
        "recipient",
        "subject",
        "body",
        "status",
        "attempts",
        "createdAt",
        "sentAt",
    ];
    expected.sort_unstable();
    assert_eq!(fields, expected);

    let first = it.get("/api/v1/notifications?limit=3").await.json();
    let next = first["next"].as_str().unwrap();
    let second = it.get(&format!("/api/v1/notifications?limit=3&cursor={next}")).await.json();
    assert_eq!((second["items"].as_array().unwrap().len(), &second["next"]), (1, &Value::Null));
    assert!(list(&it, "orderId=01890000-0000-7000-8000-00000000000f").await.is_empty());

    // After a restart all messages are listed, and none is sent again.
    let it = it.restart(service(&configured(&[]))).await;
    publish(&it, vec![published::<OrderShipped>()]).await;
    publish(&it, vec![published::<events::OrderDelivered>()]).await;
    listed(&it, "status=SENT", 6).await;
    it.stop().await;
}

/// A repeated event sends no message again, even if the preferences have since selected another channel.
#[tokio::test]
async fn a_repeated_event_sends_no_message_again() {
    let it = start(&[]).await;
    publish(&it, vec![published::<OrderCreated>(), published::<OrderShipped>()]).await;
    listed(&it, "status=SENT", 1).await;
    publish(&it, vec![published::<OrderCreated>(), published::<OrderShipped>(), published::<OrderConfirmed>()]).await;
    listed(&it, "status=SENT", 2).await;
    assert_eq!(set(&it, &json!({ "email": false, "sms": true, "language": "en" })).await.status, 200);
    publish(&it, vec![published::<OrderShipped>(), published::<events::OrderDelivered>()]).await;
    let all = listed(&it, "status=SENT", 3).await;
    let sent: Vec<_> = all.iter().map(|one| format!("{} {}", one["event"], one["channel"]).replace('"', "")).collect();
    assert_eq!(sent, ["OrderDelivered.v1 sms", "OrderConfirmed.v1 email", "OrderShipped.v1 email"]);
    it.stop().await;
}

/// A customer switches every channel off in the same batch as an event about their order.
#[tokio::test]
async fn preferences_of_the_same_batch_apply() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite:{}", folder.path().join("db.sqlite").display()), 3).await.unwrap();
    service(&configured(&[])).migrate(&db).await.unwrap();
    let clock = Clock::system();
    let delivery = |key, input| {
        let (id, at, trace) = (clock.new_id(), clock.now(), Trace::default());
        Delivery { id, source: InputSource::Event, key, cause: None, at, sequence: 0, trace, input }
    };
    let order = serde_json::from_value(sample(OrderCreated::TYPE)).unwrap();
    let batch = [
        delivery(CUSTOMER, Input::SetPreferences(SetPreferences(preferences(false, false, "en")))),
        delivery(ORDER, Input::OrderCreated(order)),
        delivery(ORDER, Input::OrderDelivered),
    ];
    let tx = db.begin().await.unwrap();
    let mut work = Work::load(&tx, &batch.each_ref()).await.unwrap();
    let mut out = Consequences::new("notification", clock.clone());
    for it in &batch {
        let verdict = NotificationSaga.react(&mut work, it, out.of(it));
        assert!(matches!(verdict, Verdict::Done | Verdict::Answered(_)), "{verdict:?}");
    }
    assert_eq!(work.notifications.iter().map(|it| it.status).collect::<Vec<_>>(), [State::Failed]);
    work.save(&tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_failed_message_is_listed_and_can_be_sent_again() {
    let it = start(&["notification.mailbox_error_rate=1", "notification.attempts=1"]).await;
    publish(&it, vec![published::<OrderCreated>(), published::<OrderConfirmed>()]).await;
    let failed = listed(&it, "status=FAILED", 1).await.remove(0);
    assert_eq!((&failed["attempts"], &failed["sentAt"]), (&json!(1), &Value::Null));

    let it = it.restart(service(&configured(&[]))).await;
    let sending = resend(&it, &failed["notificationId"]).await;
    assert_eq!((sending.status, &sending.json()["status"]), (202, &json!("PENDING")));
    let sent = listed(&it, "status=SENT", 1).await.remove(0);
    assert_eq!((&sent["notificationId"], &sent["attempts"]), (&failed["notificationId"], &json!(2)));
    it.stop().await;
}

#[tokio::test]
async fn an_invalid_address_is_refused_for_good() {
    let it = start(&[]).await;
    let mut order: OrderCreated = serde_json::from_value(sample(OrderCreated::TYPE)).unwrap();
    order.customer.email = "ada@example.invalid".into();
    publish(&it, vec![of(&order), published::<OrderConfirmed>()]).await;
    let failed = listed(&it, "status=FAILED", 1).await.remove(0);
    assert_eq!(failed["attempts"], 1);
    it.stop().await;
}

#[tokio::test]
async fn a_resend_can_be_refused() {
    let it = start(&["notification.mailbox_error_rate=1", "notification.first_retry=1m"]).await;
    publish(&it, vec![published::<OrderCreated>(), published::<OrderShipped>()]).await;
    let pending = listed(&it, "status=PENDING", 1).await.remove(0);
    let refused = resend(&it, &pending["notificationId"]).await;
    assert_eq!((refused.status, &refused.json()["type"]), (409, &json!("/problems/notification-pending")));
    let unknown = resend(&it, &json!(ORDER)).await;
    assert_eq!((unknown.status, &unknown.json()["type"]), (404, &json!("/problems/not-found")));
    assert_eq!(resend(&it, &json!("x")).await.status, 400);
    it.stop().await;

    let it = start(&[]).await;
    assert_eq!(set(&it, &json!({ "email": false, "sms": false, "language": "en" })).await.status, 200);
    publish(&it, vec![published::<OrderCreated>(), published::<OrderShipped>()]).await;
    let unwanted = listed(&it, "status=FAILED", 1).await.remove(0);
    let refused = resend(&it, &unwanted["notificationId"]).await;
    assert_eq!((refused.status, &refused.json()["type"]), (409, &json!("/problems/channel-switched-off")));
    it.stop().await;
}

#[tokio::test]
async fn preferences_are_kept() {
    let it = start(&[]).await;
    let usual = json!({ "email": true, "sms": false, "language": "en" });
    assert_eq!(it.get(PREFERENCES).await.json(), usual);
    for wanted in [json!({ "email": false, "sms": true, "language": "ru" }), usual] {
        assert_eq!(set(&it, &wanted).await.json(), wanted);
        assert_eq!(it.get(PREFERENCES).await.json(), wanted);
    }
    let wrong = set(&it, &json!({ "email": true, "sms": false, "language": "fr" })).await;
    let error = wrong.json()["errors"][0].clone();
    assert_eq!(
        (wrong.status, &error["field"], &error["code"]),
        (422, &json!("language"), &json!("unsupported_language"))
    );
    for malformed in [json!({ "email": true }), json!({ "email": 1, "sms": false, "language": "en" })] {
        assert_eq!(set(&it, &malformed).await.status, 400);
    }
    it.stop().await;
}

#[tokio::test]
async fn invalid_filters_are_refused() {
    let it = start(&[]).await;
    for query in ["orderId=7", "status=LOST", "channel=pigeon", "colour=red", "limit=0", "cursor=x"] {
        let answer = it.get(&format!("/api/v1/notifications?{query}")).await;
        assert!(matches!(answer.status, 400 | 422), "{query}: {}", answer.json());
    }
    it.stop().await;
}
