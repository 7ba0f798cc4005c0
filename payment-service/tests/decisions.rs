//! Every input in every state, as in the choreography's model.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod world;

use events::{Money, PaymentFailure, RefundReason};
use payment_service::domain::{
    Account, Charge, ChargeAnswer, CloseAnswer, CloseCharge, Found, QueryCharge, Refund, RefundPayment, RefundRefusal,
    Refunded,
    State::{self, *},
};
use rstest::rstest;
use saga::{CallResult, Request};
use testkit::Ended;
use uuid::Uuid;
use world::{AMOUNT, ORDER, World};

const STATES: [Option<State>; 10] = [
    None,
    Some(Noted),
    Some(Charging),
    Some(Unknown),
    Some(CancelWait),
    Some(Charged),
    Some(Refunding),
    Some(State::Refunded),
    Some(Declined),
    Some(Voided),
];

const INPUTS: [&str; 16] = [
    "OrderCreated",
    "InventoryReserved",
    "OrderCancelled",
    "OrderShipped",
    "charge: charged",
    "charge: declined",
    "charge: unknown",
    "query: charged",
    "query: declined",
    "query: not found",
    "query: exhausted",
    "query: not found, of an earlier query",
    "close: closed",
    "close: charged already",
    "refund: paid",
    "refund: paid, of another refund",
];

/// State and input, and the result: state, published events, pending requests.
type Change = (Option<State>, &'static str, State, &'static [&'static str], &'static [&'static str]);

/// The combinations that change something. All others change nothing.
#[rustfmt::skip]
const CHANGES: &[Change] = &[
    (None, "OrderCreated", Noted, &[], &[]),
    (None, "OrderCancelled", Voided, &[], &[]),
    (Some(Noted), "InventoryReserved", Charging, &[], &["Charge"]),
    (Some(Noted), "OrderCancelled", Voided, &[], &[]),
    (Some(Charging), "OrderCancelled", CancelWait, &[], &["Charge", "CloseCharge"]),
    (Some(Charging), "charge: charged", Charged, &["PaymentProcessed"], &[]),
    (Some(Charging), "charge: declined", Declined, &["PaymentFailed"], &[]),
    (Some(Charging), "charge: unknown", Unknown, &[], &["QueryCharge"]),
    (Some(Charging), "query: charged", Charged, &["PaymentProcessed"], &["Charge"]),
    (Some(Charging), "query: declined", Declined, &["PaymentFailed"], &["Charge"]),
    (Some(Charging), "close: charged already", Charged, &["PaymentProcessed"], &["Charge"]),
    (Some(Unknown), "OrderCancelled", CancelWait, &[], &["CloseCharge", "QueryCharge"]),
    (Some(Unknown), "charge: charged", Charged, &["PaymentProcessed"], &["QueryCharge"]),
    (Some(Unknown), "charge: declined", Declined, &["PaymentFailed"], &["QueryCharge"]),
    (Some(Unknown), "query: charged", Charged, &["PaymentProcessed"], &[]),
    (Some(Unknown), "query: declined", Declined, &["PaymentFailed"], &[]),
    (Some(Unknown), "query: not found", Charging, &[], &["Charge"]),
    (Some(Unknown), "query: exhausted", Unknown, &[], &["QueryCharge"]),
    (Some(Unknown), "close: charged already", Charged, &["PaymentProcessed"], &["QueryCharge"]),
    (Some(CancelWait), "charge: charged", Refunding, &["PaymentProcessed"], &["CloseCharge", "Refund"]),
    (Some(CancelWait), "charge: declined", Voided, &[], &["CloseCharge"]),
    (Some(CancelWait), "query: charged", Refunding, &["PaymentProcessed"], &["Charge", "CloseCharge", "Refund"]),
    (Some(CancelWait), "query: declined", Voided, &[], &["Charge", "CloseCharge"]),
    (Some(CancelWait), "close: closed", Voided, &[], &["Charge"]),
    (Some(CancelWait), "close: charged already", Refunding, &["PaymentProcessed"], &["Charge", "Refund"]),
    (Some(Charged), "OrderCancelled", Refunding, &[], &["Refund"]),
    (Some(Refunding), "refund: paid", State::Refunded, &["PaymentRefunded"], &[]),
];

/// Brings the payment into a state with the fewest inputs.
fn given(state: Option<State>) -> World {
    let inputs: &[&str] = match state {
        None => &[],
        Some(Noted) => &["OrderCreated"],
        Some(Charging) => &["OrderCreated", "InventoryReserved"],
        Some(Unknown) => &["OrderCreated", "InventoryReserved", "charge: unknown"],
        Some(CancelWait) => &["OrderCreated", "InventoryReserved", "OrderCancelled"],
        Some(Charged) => &["OrderCreated", "InventoryReserved", "charge: charged"],
        Some(Refunding) => &["OrderCreated", "InventoryReserved", "charge: charged", "OrderCancelled"],
        Some(State::Refunded) => {
            &["OrderCreated", "InventoryReserved", "charge: charged", "OrderCancelled", "refund: paid"]
        }
        Some(Declined) => &["OrderCreated", "InventoryReserved", "charge: declined"],
        Some(Voided) => &["OrderCreated", "OrderCancelled"],
    };
    let mut world = World::new();
    for input in inputs {
        apply(&mut world, input);
    }
    assert_eq!(world.state(), state);
    world.service.published();
    world
}

fn apply(world: &mut World, input: &str) -> Ended {
    let charged = || ChargeAnswer::Charged { reference: "txn-1".into() };
    let declined = || ChargeAnswer::Declined { reason: PaymentFailure::CardDeclined };
    let no_answer = || "no answer within 5s".to_owned();
    let queries = world.payment().map_or(1, |payment| payment.queries);
    let (order_id, amount, currency) = (ORDER, Money::from_minor(AMOUNT), "EUR".parse().unwrap());
    let charge = Charge { order_id, amount, currency, token: "tok_ok".into() };
    let known = world.payment().and_then(|payment| payment.refunds.first()).map(|it| it.refund_id);
    let reference = || "txn-1".to_owned();
    let refund = Refund { refund_id: known.unwrap_or(ORDER), order_id, reference: reference(), amount, currency };
    let node = &mut world.service;
    let query = |number| QueryCharge { order_id, number };
    match input {
        "OrderCreated" => world.ordered("tok_ok"),
        "charge: charged" => node.outcome(ORDER, charge, CallResult::Answer(charged())),
        "charge: declined" => node.outcome(ORDER, charge, CallResult::Answer(declined())),
        "charge: unknown" => node.outcome(ORDER, charge, CallResult::Unknown(no_answer())),
        "query: charged" => node.outcome(ORDER, query(queries), CallResult::Answer(Found::Settled(charged()))),
        "query: declined" => node.outcome(ORDER, query(queries), CallResult::Answer(Found::Settled(declined()))),
        "query: not found" => node.outcome(ORDER, query(queries), CallResult::Answer(Found::NotFound)),
        "query: exhausted" => node.outcome(ORDER, query(queries), CallResult::Exhausted(no_answer())),
        "query: not found, of an earlier query" => {
            node.outcome(ORDER, query(queries - 1), CallResult::Answer(Found::NotFound))
        }
        "close: closed" => node.outcome(ORDER, CloseCharge { order_id }, CallResult::Answer(CloseAnswer::Closed)),
        "close: charged already" => {
            let answer = CloseAnswer::AlreadyCharged { reference: reference() };
            node.outcome(ORDER, CloseCharge { order_id }, CallResult::Answer(answer))
        }
        "refund: paid" => node.outcome(ORDER, refund, CallResult::Answer(Refunded { reference: "txn-2".into() })),
        "refund: paid, of another refund" => {
            let other = Refund { refund_id: Uuid::from_u128(77), ..refund };
            node.outcome(ORDER, other, CallResult::Answer(Refunded { reference: "txn-2".into() }))
        }
        event => world.receive(event),
    }
}

#[test]
fn every_input_in_every_state_and_again() {
    for state in STATES {
        for input in INPUTS {
            let what = format!("{input} in {state:?}");
            let mut world = given(state);
            let before = world.payment().cloned();
            let ended = apply(&mut world, input);
            let change = CHANGES.iter().find(|change| (change.0, change.1) == (state, input));
            match (change, input) {
                (Some((.., after, published, pending)), _) => {
                    assert!(matches!(ended, Ended::Done), "{what}: {ended:?}");
                    assert_eq!(world.state(), Some(*after), "{what}");
                    assert_eq!(world.service.published(), *published, "{what}");
                    assert_eq!(world.service.asked(), *pending, "{what}");
                }
                (None, "OrderShipped") if state.is_some() => {
                    assert!(matches!(ended, Ended::Done), "{what}: {ended:?}");
                    assert_eq!((world.state(), world.payment().unwrap().shipped), (state, true), "{what}");
                }
                (None, "OrderShipped" | "InventoryReserved") if state.is_none() => {
                    assert!(matches!(ended, Ended::Held(_)), "{what}: {ended:?}");
                    assert_eq!(world.payment(), None, "{what}");
                    continue;
                }
                _ => {
                    assert!(matches!(ended, Ended::Ignored(_)), "{what}: {ended:?}");
                    assert_eq!(world.payment(), before.as_ref(), "{what}");
                    assert!(world.service.published().is_empty(), "{what}");
                }
            }
            // A repeat changes nothing, even without deduplication.
            let (once, pending) = (world.payment().cloned(), world.service.effects.len());
            let new_query = (state, input) == (Some(Unknown), "query: exhausted"); // `apply` answers the latest query
            if !new_query {
                let again = apply(&mut world, input);
                assert!(matches!(again, Ended::Ignored(_)), "{what}, again: {again:?}");
                assert_eq!(world.payment(), once.as_ref(), "{what}, again");
                assert!(
                    world.service.published().is_empty() && world.service.effects.len() <= pending,
                    "{what}, again"
                );
            }
        }
    }
}

#[test]
fn an_unknown_charge_is_queried_with_backoff_and_then_left_to_an_operator() {
    let mut world = given(Some(Unknown));
    let begin = world.clock.now();
    let mut waits = vec![];
    while let Some(call) = world.service.effects.values().next().cloned() {
        waits.push((call.due - world.clock.now()).num_seconds());
        world.time.set(call.due);
        apply(&mut world, "query: exhausted");
    }
    assert_eq!(waits[..9], [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!((world.clock.now() - begin).num_hours(), 20);
    let payment = world.payment().unwrap();
    assert_eq!((payment.state, payment.attempts.len()), (Unknown, 50));
    assert_eq!(payment.attempts.last().unwrap().detail.as_deref(), Some("left to a person"));
    // A cancellation still closes the key.
    world.receive("OrderCancelled");
    assert_eq!((world.state(), world.service.asked()), (Some(CancelWait), vec!["CloseCharge"]));
}

#[test]
fn a_key_that_may_have_expired_is_never_charged_again() {
    let mut world = given(Some(Unknown));
    world.time.advance(chrono::TimeDelta::hours(20));
    apply(&mut world, "query: not found");
    assert!(world.service.effects.is_empty());
    assert_eq!(world.state(), Some(Unknown));
}

#[test]
fn every_attempt_has_the_same_key() {
    let mut world = given(Some(Charging));
    let key = world.service.effects.keys().next().cloned();
    apply(&mut world, "charge: unknown");
    apply(&mut world, "query: not found");
    assert_eq!(world.service.effects.keys().next().cloned(), key);
    assert_eq!(key, Some(format!("charge:{ORDER}")));
    assert_eq!(CloseCharge { order_id: ORDER }.idempotency_key(), format!("close:{ORDER}"));
}

fn refund(world: &mut World, minor: i64) -> Result<Money, RefundRefusal> {
    let amount = Money::from_minor(minor);
    let command = RefundPayment { order_id: ORDER, amount, note: "a chipped lid".into() };
    world.service.command(command).map(|accepted| accepted.amount)
}
fn complete_all_refunds(world: &mut World) {
    let refunds = world.payment().unwrap().refunds.clone();
    for it in refunds.iter().filter(|it| !it.done) {
        let (order_id, amount, currency) = (ORDER, it.amount, "EUR".parse().unwrap());
        let request = Refund { refund_id: it.refund_id, order_id, reference: "txn-1".into(), amount, currency };
        let paid = Refunded { reference: "txn-2".into() };
        world.service.outcome(ORDER, request, CallResult::Answer(paid));
    }
}
fn money(minor: i64) -> Money {
    Money::from_minor(minor)
}

#[test]
fn partial_refunds_any_time_and_a_full_refund_once_shipped() {
    let mut world = given(Some(Charged));
    assert_eq!(refund(&mut world, AMOUNT + 1), Err(RefundRefusal::ExceedsCharge(money(AMOUNT))));
    assert_eq!(refund(&mut world, AMOUNT), Err(RefundRefusal::CancelInstead));
    assert_eq!(refund(&mut world, 1000), Ok(money(1000)));
    assert_eq!(refund(&mut world, AMOUNT - 1000), Err(RefundRefusal::CancelInstead), "the rest is a full refund, too");
    assert_eq!(refund(&mut world, AMOUNT - 999), Err(RefundRefusal::ExceedsCharge(money(AMOUNT - 1000))));
    complete_all_refunds(&mut world);
    assert_eq!((world.state(), world.service.published()), (Some(Charged), vec!["PaymentRefunded".to_owned()]));
    apply(&mut world, "OrderShipped");
    assert_eq!(refund(&mut world, AMOUNT - 1000), Ok(money(AMOUNT - 1000)));
    assert_eq!(world.state(), Some(Refunding));
    assert_eq!(refund(&mut world, 1), Err(RefundRefusal::ExceedsCharge(Money::ZERO)));
    complete_all_refunds(&mut world);
    assert_eq!((world.state(), world.service.published()), (Some(State::Refunded), vec!["PaymentRefunded".to_owned()]));
}

#[test]
fn a_cancellation_refunds_exactly_what_is_left() {
    let mut world = given(Some(Charged));
    refund(&mut world, 1000).unwrap();
    apply(&mut world, "OrderCancelled");
    let payment = world.payment().unwrap();
    let owed: Vec<_> = payment.refunds.iter().map(|it| (it.amount.minor(), it.reason)).collect();
    assert_eq!(owed, [(1000, RefundReason::Requested), (AMOUNT - 1000, RefundReason::OrderCancelled)]);
    complete_all_refunds(&mut world);
    let payment = world.payment().unwrap();
    assert_eq!((payment.state, payment.refunded_minor, payment.sequence), (State::Refunded, AMOUNT, 3));
    assert_eq!(payment.balance(Account::Provider), 0);
    assert_eq!((payment.balance(Account::Charged), payment.balance(Account::Refunded)), (-AMOUNT, AMOUNT));
}

#[rstest]
#[case(Noted)]
#[case(Charging)]
#[case(Unknown)]
#[case(CancelWait)]
#[case(Refunding)]
#[case(State::Refunded)]
#[case(Declined)]
#[case(Voided)]
fn nothing_can_be_refunded_without_a_charge(#[case] state: State) {
    let mut world = given(Some(state));
    let before = world.payment().cloned();
    assert_eq!(refund(&mut world, 1), Err(RefundRefusal::ExceedsCharge(Money::ZERO)));
    assert_eq!(world.payment(), before.as_ref());
}

#[test]
fn a_refund_of_an_unknown_order_is_refused() {
    assert_eq!(refund(&mut given(None), 1), Err(RefundRefusal::NoSuchPayment));
}

#[test]
fn a_token_is_never_printed() {
    let world = given(Some(Charging));
    assert!(!format!("{:?}", world.payment()).contains("tok_ok"));
}
