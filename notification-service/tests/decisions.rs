//! The decisions about each input in each state.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod orders;

use std::fmt::Write;

use events::{Event, OrderCreated, choreography, contract::contract_of};
use notification_service::{
    domain::{Channel::*, LANGUAGES, NotifyAnswer, Resend, ResendRefusal, SetPreferences, State},
    inputs::Input,
};
use orders::*;
use rstest::rstest;
use saga::CallResult;
use serde_json::{Value, json};
use testkit::{Ended, proofs::twice_is_once};
use uuid::Uuid;

#[test]
fn the_contact_is_recorded_once() {
    let mut it = empty();
    assert!(matches!(receive(&mut it, "OrderCreated.v1"), Ended::Done));
    let mut other = sample("OrderCreated.v1");
    other["customer"]["email"] = json!("eve@example.org");
    assert!(matches!(it.event(ORDER, "OrderCreated.v1", &other), Ended::Ignored(_)));
    assert_eq!(it.work.contacts.get(&ORDER).unwrap().email, "ada@example.org");
    assert!(it.published().is_empty() && it.asked().is_empty());
}

#[test]
fn the_contact_row_of_a_long_order_is_short() {
    let mut it = empty();
    let mut order = sample("OrderCreated.v1");
    let item = json!({ "productId": Uuid::nil(), "productName": "é".repeat(200), "quantity": 1, "price": "1.00" });
    order["items"] = vec![item; 100].into();
    it.event(ORDER, "OrderCreated.v1", &order);
    let items = &it.work.contacts.get(&ORDER).unwrap().items;
    assert_eq!((items.lines.len(), items.more), (5, 95));
    assert_eq!(items.lines[0].name, format!("{}…", "é".repeat(60)));
    receive(&mut it, "OrderConfirmed.v1");
    assert!(only_request(&it).body.contains("… + 95"));
}

#[rstest]
fn each_event_notifies_once(
    #[values(
        "OrderConfirmed.v1",
        "OrderShipped.v1",
        "OrderDelivered.v1",
        "OrderCancelled.v1",
        "PaymentRefunded.v1",
        "OrderStatusChanged.v1"
    )]
    kind: &str,
    #[values("NONE", "CONTACT", "PENDING", "SENT", "FAILED")] state: &str,
) {
    let mut it = if state == "NONE" { empty() } else { with_contact() };
    if !matches!(state, "NONE" | "CONTACT") {
        receive(&mut it, kind);
    }
    match state {
        "SENT" => drop(it.outcome(ORDER, only_request(&it), CallResult::Answer(NotifyAnswer::Accepted))),
        "FAILED" => drop(it.outcome(ORDER, only_request(&it), CallResult::Exhausted("it is down".into()))),
        _ => {}
    }
    let before = (it.published(), it.effects.clone(), format!("{:?}", it.work)).1;
    let ended = receive(&mut it, kind);
    match state {
        "NONE" => assert!(matches!(ended, Ended::Held(_)) && it.effects.is_empty(), "{ended:?}"),
        "CONTACT" => {
            assert!(matches!(ended, Ended::Done), "{ended:?}");
            let message = only_request(&it);
            assert_eq!((message.channel, &**message.recipient), (Email, "ada@example.org"));
            assert_eq!(messages(&it)[0].status, State::Pending);
        }
        _ => {
            assert!(matches!(ended, Ended::Ignored(_)), "{ended:?}");
            assert_eq!(it.effects, before);
        }
    }
    assert!(it.published().is_empty());
}

#[test]
fn delivered_twice_is_delivered_once() {
    let before = with_contact();
    for record in [
        record::<events::OrderConfirmed>(),
        record::<events::OrderShipped>(),
        record::<events::OrderDelivered>(),
        record::<events::OrderCancelled>(),
        record::<events::PaymentRefunded>(),
        record::<events::OrderStatusChanged>(),
    ] {
        assert!(matches!(twice_is_once(&before, &record), Ended::Done));
        assert!(matches!(twice_is_once(&empty(), &record), Ended::Held(_)));
    }
    assert!(matches!(twice_is_once(&empty(), &record::<events::OrderCreated>()), Ended::Done));
}

#[test]
fn only_status_failed_notifies() {
    for it in [&mut empty(), &mut with_contact()] {
        for status in
            ["PENDING", "RESERVED", "CONFIRMED", "SHIPPED", "DELIVERED", "CANCELLING", "CANCELLED", "UNHEARD_OF"]
        {
            let ended = it.event(ORDER, "OrderStatusChanged.v1", &json!({ "status": status, "reason": null }));
            assert!(matches!(ended, Ended::Ignored(_)), "{status}: {ended:?}");
        }
        assert!(it.asked().is_empty());
    }
}

#[rstest]
#[case(CallResult::Answer(NotifyAnswer::Accepted), State::Sent, "NotificationSent")]
#[case(CallResult::Answer(NotifyAnswer::Refused("no such address".into())), State::Failed, "NotificationFailed")]
#[case(CallResult::Exhausted("it is down".into()), State::Failed, "NotificationFailed")]
#[case(CallResult::Unknown("no answer".into()), State::Failed, "NotificationFailed")]
fn the_result_is_published(#[case] result: CallResult<NotifyAnswer>, #[case] status: State, #[case] event: &str) {
    let mut it = with_contact();
    receive(&mut it, "OrderShipped.v1");
    let request = only_request(&it);
    assert!(matches!(it.outcome(ORDER, request.clone(), result), Ended::Done));
    let message = messages(&it)[0].clone();
    assert_eq!((message.status, message.attempts, message.sent_at.is_some()), (status, 1, status == State::Sent));
    let event_body: Value = serde_json::from_slice(&it.outbox[0].message.value).unwrap();
    assert_eq!(
        (&event_body["notificationId"], &event_body["event"], &event_body["channel"], &event_body["sequence"]),
        (&json!(message.id), &json!("OrderShipped.v1"), &json!("EMAIL"), &json!(0))
    );
    assert_eq!(it.published(), [event]);

    let late = it.outcome(ORDER, request, CallResult::Answer(NotifyAnswer::Accepted));
    assert!(matches!(late, Ended::Ignored(_)) && it.published().is_empty(), "{late:?}");
}

#[rstest]
//     email  sms    courtesy              contract or money
#[case(true,  false, &[Email],             &[Email])]
#[case(true,  true,  &[Email, Sms],        &[Email, Sms])]
#[case(false, true,  &[Sms],               &[Email, Sms])]
#[case(false, false, &[],                  &[Email])]
fn customers_choose_but_not_about_contract_and_money(
    #[case] email: bool,
    #[case] sms: bool,
    #[case] courtesy: &[notification_service::domain::Channel],
    #[case] legal: &[notification_service::domain::Channel],
) {
    for kind in NOTIFYING {
        let mut it = with_contact();
        it.command(SetPreferences(preferences(email, sms, "en"))).unwrap();
        receive(&mut it, kind);
        let wanted = if matches!(kind, "OrderShipped.v1" | "OrderDelivered.v1") { courtesy } else { legal };
        assert_eq!(channels(&it), wanted, "{kind}");
    }
}

#[test]
fn without_a_phone_no_text_message() {
    let mut it = empty();
    let mut order = sample("OrderCreated.v1");
    order["customer"]["phone"] = Value::Null;
    it.event(ORDER, "OrderCreated.v1", &order);
    it.command(SetPreferences(preferences(true, true, "en"))).unwrap();
    receive(&mut it, "OrderShipped.v1");
    assert_eq!(channels(&it), [Email]);
}

#[test]
fn a_message_that_preferences_exclude_fails_for_good() {
    let mut it = with_contact();
    it.command(SetPreferences(preferences(false, false, "en"))).unwrap();
    assert!(matches!(receive(&mut it, "OrderShipped.v1"), Ended::Done));
    assert!(it.asked().is_empty());
    let event_body: Value = serde_json::from_slice(&it.outbox[0].message.value).unwrap();
    assert_eq!((&event_body["attempts"], &event_body["event"]), (&json!(0), &json!("OrderShipped.v1")));
    assert_eq!(it.published(), ["NotificationFailed"]);
    let resend = it.command(Resend(key(&it)));
    assert_eq!(resend.unwrap_err(), ResendRefusal::SwitchedOff);

    // A repeat is ignored even if the preferences have changed.
    it.command(SetPreferences(preferences(true, true, "en"))).unwrap();
    assert!(matches!(receive(&mut it, "OrderShipped.v1"), Ended::Ignored(_)));
    assert!(it.asked().is_empty() && it.published().is_empty());
}

#[test]
fn each_refund_notifies() {
    let mut it = with_contact();
    for id in [1, 2, 1, 2] {
        refund(&mut it, id);
    }
    let keys: Vec<_> = it.effects.keys().cloned().collect();
    let expected = [1, 2].map(|id| format!("notify:{ORDER}:PaymentRefunded.v1:{}:email", Uuid::from_u128(id)));
    assert_eq!(keys, expected);
    assert!(messages(&it).iter().all(|message| message.event_type() == "PaymentRefunded.v1"));
}

#[test]
fn a_resend_is_another_request() {
    let mut it = with_contact();
    receive(&mut it, "OrderConfirmed.v1");
    let (first, key) = (only_request(&it), key(&it));
    assert_eq!(it.command(Resend(key.clone())).unwrap_err(), ResendRefusal::Pending);
    it.outcome(ORDER, first.clone(), CallResult::Exhausted("it is down".into()));

    let sending = it.command(Resend(key.clone())).unwrap();
    assert_eq!((sending.status, sending.id, sending.resends), (State::Pending, first.id, 1));
    assert_eq!(it.effects.keys().collect::<Vec<_>>(), [&format!("notify:{ORDER}:OrderConfirmed.v1:email:1")]);
    let stale = it.outcome(ORDER, first, CallResult::Answer(NotifyAnswer::Accepted));
    assert!(matches!(stale, Ended::Ignored(_)), "{stale:?}");
    it.outcome(ORDER, only_request(&it), CallResult::Answer(NotifyAnswer::Accepted));
    assert_eq!((messages(&it)[0].status, messages(&it)[0].attempts), (State::Sent, 2));
    assert_eq!(it.published(), ["NotificationFailed", "NotificationSent"]);

    let unknown = Resend((Uuid::nil(), key.1, key.2));
    assert_eq!(it.command(unknown).unwrap_err(), ResendRefusal::NotFound);
}

#[rstest]
#[case("en", None, "Your order")]
#[case("de-AT", None, "Ihre Bestellung")]
#[case("ru", None, "Ваш заказ")]
#[case("fr", None, "Your order")]
#[case("", None, "Your order")]
#[case("en", Some("de"), "Ihre Bestellung")]
fn in_the_customers_language(#[case] order: &str, #[case] preferred: Option<&str>, #[case] begins: &str) {
    let mut it = empty();
    let mut created = sample("OrderCreated.v1");
    created["customer"]["language"] = json!(order);
    it.event(ORDER, "OrderCreated.v1", &created);
    if let Some(language) = preferred {
        it.command(SetPreferences(preferences(true, false, language))).unwrap();
    }
    receive(&mut it, "OrderConfirmed.v1");
    let subject = only_request(&it).subject.unwrap();
    assert!(subject.starts_with(begins), "{}", *subject);
}

/// Every template in every language by every channel, as customers read it.
#[test]
fn texts() {
    let mut texts = String::new();
    for language in LANGUAGES {
        let mut it = with_contact();
        it.command(SetPreferences(preferences(true, true, language))).unwrap();
        for kind in NOTIFYING {
            receive(&mut it, kind);
            for message in requests(&it) {
                let subject = message.subject.map(|subject| subject.0).unwrap_or_default();
                writeln!(texts, "==== {language} {kind} {}\n{subject}\n\n{}", message.channel.as_str(), *message.body)
                    .unwrap();
            }
            it.effects.clear();
        }
    }
    insta::assert_snapshot!(texts);
}

/// Every reason has a text in every language; an unknown one has none.
#[test]
fn reasons() {
    let mut cancelled: Vec<_> = events::CancelReason::ALL.iter().map(|reason| reason.as_str()).collect();
    let mut failed: Vec<_> = events::PaymentFailure::ALL.iter().map(|reason| reason.as_str()).collect();
    cancelled.push("UNHEARD_OF");
    failed.push("UNHEARD_OF");
    let mut sentences = String::new();
    for (kind, reasons) in [("OrderCancelled.v1", cancelled), ("OrderStatusChanged.v1", failed)] {
        for (language, reason) in
            LANGUAGES.into_iter().flat_map(|language| reasons.iter().map(move |it| (language, it)))
        {
            let mut it = with_contact();
            it.command(SetPreferences(preferences(true, false, language))).unwrap();
            it.event(ORDER, kind, &json!({ "status": "FAILED", "reason": reason }));
            let body = only_request(&it).body;
            writeln!(sentences, "{language} {reason}: {}", body.lines().nth(2).unwrap()).unwrap();
        }
    }
    insta::assert_snapshot!(sentences);
}

#[test]
fn nothing_personal_is_published_or_printed() {
    let mut it = with_contact();
    it.command(SetPreferences(preferences(true, true, "en"))).unwrap();
    let mut printed = String::new();
    for kind in NOTIFYING {
        receive(&mut it, kind);
        for request in requests(&it) {
            write!(printed, "{request:?}").unwrap();
            it.outcome(ORDER, request, CallResult::Answer(NotifyAnswer::Accepted));
        }
    }
    write!(printed, "{:?}", it.work).unwrap();
    for event in &it.outbox {
        printed += std::str::from_utf8(&event.message.value).unwrap();
    }
    for personal in ["Ada", "Lovelace", "example.org", "441234567890", "Teapot"] {
        assert!(!printed.contains(personal), "{personal} in {printed}");
    }
}

/// The service can read every event that the choreography routes to it.
#[test]
fn agrees_with_the_choreography() {
    for (_, kinds) in choreography::heard_by("notification") {
        for kind in kinds {
            let sample = contract_of(kind).expect("a known type").sample;
            assert!(saga::decode::<Input>(kind, sample.as_bytes()).unwrap().is_some(), "{kind}");
            let ended = if kind == OrderCreated::TYPE {
                receive(&mut empty(), kind)
            } else {
                receive(&mut with_contact(), kind)
            };
            assert!(matches!(ended, Ended::Done), "{kind}: {ended:?}");
        }
    }
}

/// The key of the only message there is.
fn key(it: &Service) -> notification_service::domain::rows::NotificationKey {
    let [message] = messages(it)[..] else { panic!("one message") };
    (message.order_id, message.event.clone(), message.channel)
}
