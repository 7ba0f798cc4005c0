//! A payment from beginning to end, with the sandbox provider and lost calls and answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod world;

use payment_service::domain::{Account, RefundPayment, State};
use proptest::prelude::*;
use rstest::rstest;
use world::{AMOUNT, ORDER, Wire, World};

#[rstest]
#[case("tok_ok", State::Charged, "PaymentProcessed", 1)]
#[case("tok_slow", State::Charged, "PaymentProcessed", 1)]
#[case("tok_flaky", State::Charged, "PaymentProcessed", 3)]
#[case("tok_timeout_charged", State::Charged, "PaymentProcessed", 2)]
#[case("tok_timeout_not_charged", State::Charged, "PaymentProcessed", 3)]
#[case("tok_lands_late", State::Charged, "PaymentProcessed", 3)]
#[case("tok_declined", State::Declined, "PaymentFailed", 1)]
#[case("tok_insufficient_funds", State::Declined, "PaymentFailed", 1)]
#[case("tok_of_another_shop", State::Declined, "PaymentFailed", 1)]
fn each_token_leads_to_its_state(
    #[case] token: &str,
    #[case] end: State,
    #[case] published: &str,
    #[case] calls: usize,
) {
    let mut world = World::with_order(token);
    world.receive("InventoryReserved");
    let mut made = 0;
    while !world.service.effects.is_empty() {
        world.perform(0, true);
        made += 1;
        assert!(made < 10, "the calls do not end");
    }
    assert_eq!((world.state(), world.service.published(), made), (Some(end), vec![published.to_owned()], calls));
    let charged = if end == State::Charged { (1, AMOUNT, 0) } else { (0, 0, 0) };
    assert_eq!(world.outside.moved(), charged);
}

#[test]
fn the_reason_is_the_providers() {
    for (token, reason) in [
        ("tok_declined", "CARD_DECLINED"),
        ("tok_insufficient_funds", "INSUFFICIENT_FUNDS"),
        ("tok_of_another_shop", "PAYMENT_NOT_AUTHORISED"),
    ] {
        let mut world = World::with_order(token);
        world.receive("InventoryReserved");
        world.settle();
        assert_eq!(world.payment().unwrap().reason.as_deref(), Some(reason));
    }
}

/// The customer cancels after 0 to 3 calls: in every case everything charged is refunded.
#[rstest]
fn an_order_cancelled_at_any_moment_is_refunded(
    #[values(
        "tok_ok",
        "tok_slow",
        "tok_flaky",
        "tok_declined",
        "tok_timeout_charged",
        "tok_timeout_not_charged",
        "tok_lands_late"
    )]
    token: &str,
    #[values(0, 1, 2, 3)] calls: usize,
    #[values(0, 1)] then_first: usize,
) {
    let mut world = World::with_order(token);
    world.receive("InventoryReserved");
    for _ in 0..calls {
        world.perform(0, true);
    }
    world.receive("OrderCancelled");
    world.perform(then_first, true);
    world.settle();
    let (times, charged, refunded) = world.outside.moved();
    assert!(times <= 1, "charged {times} times");
    assert_eq!(charged, refunded);
    let ends = [State::Voided, State::Refunded, State::Declined];
    assert!(world.state().is_some_and(|state| ends.contains(&state)), "{:?}", world.state());
}

/// Without the close this charge would succeed after the cancellation.
#[test]
fn a_late_charge_is_prevented_by_the_close() {
    let mut world = World::with_order("tok_lands_late");
    world.receive("InventoryReserved");
    world.perform(0, true); // no answer
    world.perform(0, true); // not found: requested again …
    assert_eq!(world.state(), Some(State::Charging));
    world.receive("OrderCancelled"); // … and cancelled before the call
    let close = world.service.asked().iter().position(|it| *it == "CloseCharge").unwrap();
    world.perform(close, true);
    assert_eq!(world.state(), Some(State::Voided));
    world.settle(); // the second charge arrives, and the first one would succeed late
    assert_eq!((world.state(), world.outside.moved()), (Some(State::Voided), (0, 0, 0)));
}

/// The same charge without a close does succeed late, so the test above can fail.
#[test]
fn a_late_charge_succeeds_without_a_close() {
    let mut world = World::with_order("tok_lands_late");
    world.receive("InventoryReserved");
    world.perform(0, true);
    world.perform(0, true);
    assert_eq!(world.outside.moved(), (0, 0, 0));
    world.outside.land();
    assert_eq!(world.outside.moved(), (1, AMOUNT, 0));
}

#[derive(Debug, Clone)]
enum Step {
    Receive(&'static str),
    Order,
    Refund(i64),
    /// Performs the nth request; without `keep` the service crashes before it records the outcome.
    Perform {
        nth: usize,
        wire: Wire,
        keep: bool,
    },
    Land,
}

fn step() -> impl Strategy<Value = Step> {
    let wires = prop_oneof![3 => Just(Wire::Intact), 1 => Just(Wire::LosesCalls), 1 => Just(Wire::LosesAnswers)];
    prop_oneof![
        1 => Just(Step::Order),
        3 => Just(Step::Receive("InventoryReserved")),
        1 => Just(Step::Receive("OrderCancelled")),
        1 => Just(Step::Receive("OrderShipped")),
        2 => (1..=AMOUNT).prop_map(Step::Refund),
        8 => (0..3_usize, wires, prop::bool::weighted(0.8)).prop_map(|(nth, wire, keep)| Step::Perform { nth, wire, keep }),
        1 => Just(Step::Land),
    ]
}

fn token() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "tok_ok",
        "tok_slow",
        "tok_flaky",
        "tok_declined",
        "tok_timeout_charged",
        "tok_timeout_not_charged",
        "tok_lands_late",
    ])
}

/// The invariants at every moment.
fn check(world: &World) -> Result<(), TestCaseError> {
    let (times, charged, refunded) = world.outside.moved();
    prop_assert!(times <= 1);
    prop_assert!(refunded <= charged);
    if let Some(payment) = world.payment() {
        let (debits, credits): (Vec<_>, Vec<_>) =
            payment.ledger.iter().map(|it| (it.debit.minor(), it.credit.minor())).unzip();
        prop_assert_eq!(debits.iter().sum::<i64>(), credits.iter().sum::<i64>(), "the ledger balances");
        prop_assert!((0..=payment.amount_minor).contains(&payment.refunded_minor));
        let requested: i64 = payment.refunds.iter().map(|it| it.amount.minor()).sum();
        prop_assert!(payment.refunded_minor <= refunded && refunded <= requested, "only requested refunds are paid");
        prop_assert!(requested <= payment.amount_minor);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// With any losses, repeats and cancellations, money is conserved, and in the end both ledgers agree.
    #[test]
    fn money_is_conserved(token in token(), steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        let (mut published, mut cancelled) = (vec![], false);
        for step in steps {
            match step {
                Step::Order => drop(world.ordered(token)),
                Step::Receive(event) => {
                    cancelled |= event == "OrderCancelled";
                    world.receive(event);
                }
                Step::Refund(minor) => {
                    let (amount, note) = (events::Money::from_minor(minor), "sorry".to_owned());
                    let command = RefundPayment { order_id: ORDER, amount, note };
                    let _ = world.service.command(command);
                }
                Step::Perform { nth, wire, keep } => {
                    world.outside.wire = wire;
                    world.perform(nth, keep);
                }
                Step::Land => world.outside.land(),
            }
            published.extend(world.service.published());
            check(&world)?;
        }
        world.settle();
        published.extend(world.service.published());
        check(&world)?;
        let Some(payment) = world.payment() else { return Ok(()) };
        let (_, charged, refunded) = world.outside.moved();
        prop_assert_eq!(-payment.balance(Account::Charged), charged);
        prop_assert_eq!(payment.balance(Account::Refunded), refunded);
        prop_assert_eq!(payment.balance(Account::Provider), charged - refunded);
        prop_assert_eq!(payment.refunded_minor, refunded);
        prop_assert_eq!(payment.sequence, i64::try_from(published.len()).unwrap());
        let processed = published.iter().filter(|it| *it == "PaymentProcessed").count();
        prop_assert_eq!(processed, usize::from(charged > 0));
        if cancelled {
            prop_assert_eq!(charged, refunded, "everything charged for a cancelled order is refunded");
        }
        prop_assert!(!matches!(payment.state, State::Charging | State::Unknown | State::CancelWait | State::Refunding));
    }
}
