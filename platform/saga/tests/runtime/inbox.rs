//! Decided once, however often it comes; and decided, noted and said together or not at all.

use crate::{
    database::literal,
    ledger::{MONEY, PANICS, SAID},
    stage::Stage,
};
use uuid::Uuid;

const A: Uuid = Uuid::from_u128(0xa);
const B: Uuid = Uuid::from_u128(0xb);

#[tokio::test]
async fn what_comes_in_goes_out() {
    let mut stage = Stage::started().await;
    stage.send([stage.deposit(A, 5), stage.deposit(B, 7), stage.deposit(A, 6)]).await;
    stage.log_is(A, "+5 +6").await;
    stage.log_is(B, "+7").await;
    stage.all_is_said().await;
    stage.stop().await;
}

#[tokio::test]
async fn an_event_is_decided_once() {
    let mut stage = Stage::started().await;
    let event = stage.deposit(A, 5);
    stage.send([event.clone()]).await;
    stage.log_is(A, "+5").await;
    stage.send([event.clone(), stage.mark(MONEY, A, "end")]).await;
    stage.log_is(A, "+5 end").await;

    stage.stop().await;
    stage.start().await;
    stage.send([event, stage.mark(MONEY, A, "after")]).await;
    stage.log_is(A, "+5 end after").await;
    stage.all_is_said().await;
}

#[tokio::test]
async fn a_repeat_in_the_same_batch_is_decided_once() {
    let mut stage = Stage::new().await;
    let (event, other) = (stage.deposit(A, 5), stage.deposit(B, 1));
    stage.send([event.clone(), other.clone(), event.clone(), other, event]).await;
    stage.start().await; // takes all of them at once
    stage.settle().await;
    assert_eq!((stage.log(A).as_str(), stage.log(B).as_str()), ("+5", "+1"));
    stage.all_is_said().await;
}

#[tokio::test]
async fn a_repeat_does_not_take_its_batch_with_it() {
    let mut stage = Stage::started().await;
    let event = stage.deposit(A, 5);
    stage.send([event.clone()]).await;
    stage.log_is(A, "+5").await;
    stage.stop().await;
    let others: Vec<_> = (1..=50).map(|amount| stage.deposit(B, amount)).collect();
    stage.send([event]).await;
    stage.send(others).await;
    stage.start().await;
    stage.settle().await;
    assert_eq!(stage.log(A), "+5");
    assert_eq!(stage.log(B).split(' ').count(), 50);
    assert!(stage.parked().is_empty());
    stage.all_is_said().await;
}

/// Decided anew, the repeat would break a constraint, or panic: it is a repeat all the same.
#[tokio::test]
async fn a_repeat_that_would_fail_now_is_a_repeat() {
    let stage = Stage::started().await;
    let (large, touchy) = (stage.deposit(A, 600_000), stage.deposit(B, PANICS));
    stage.send([large.clone(), touchy.clone()]).await;
    stage.settle().await;
    stage.panic(true);
    stage.send([large, touchy]).await;
    stage.settle().await;
    assert!(stage.parked().is_empty());
    assert_eq!((stage.log(A), stage.log(B)), ("+600000".into(), format!("+{PANICS}")));
}

/// Partitions were added: a later record comes first.
#[tokio::test]
async fn swapped_events_are_decided_once_each() {
    let stage = Stage::started().await;
    let events: Vec<_> = (1..=4).map(|amount| stage.deposit(A, amount)).collect();
    for index in [1, 0, 1, 3, 0, 2, 3, 2] {
        stage.send([events[index].clone()]).await;
        stage.settle().await;
    }
    assert_eq!(stage.log(A), "+2 +1 +4 +3");
}

/// A producer was restored from a backup, or its event is forged: state decides, and later events are no repeats.
#[tokio::test]
async fn strange_sequences_are_decided_by_state() {
    let stage = Stage::started().await;
    stage.send([stage.deposit(A, 1)]).await;
    stage.set_sequence(MONEY, A, 0);
    stage.send([stage.deposit(A, 2)]).await; // the first one's sequence
    stage.set_sequence(MONEY, A, 999_999_999);
    stage.send([stage.deposit(A, 3)]).await;
    stage.set_sequence(MONEY, A, 1);
    let next = stage.deposit(A, 4);
    stage.send([next.clone(), next]).await;
    stage.log_is(A, "+1 +2 +3 +4").await;
}

/// What a program before `Seen` has decided is in the inbox only.
#[tokio::test]
async fn the_inbox_of_an_earlier_program_is_looked_at() {
    let mut stage = Stage::started().await;
    let event = stage.deposit(A, 5);
    stage.send([event.clone()]).await;
    stage.log_is(A, "+5").await;
    stage.stop().await;
    let id = std::str::from_utf8(event.message.header(events::envelope::ID).unwrap()).unwrap().parse().unwrap();
    stage.sql("UPDATE accounts SET seen = NULL").await;
    let insert = format!("INSERT INTO inbox (event_id, participant) VALUES ({}, 'ledger')", literal(id));
    stage.sql(&insert).await;
    stage.start().await;
    stage.send([event, stage.mark(MONEY, A, "end")]).await;
    stage.log_is(A, "+5 end").await;
}

#[tokio::test]
async fn a_crash_loses_and_doubles_nothing() {
    let mut stage = Stage::new().await;
    let mut expected = vec![];
    for round in 0..10 {
        let events: Vec<_> = (0..20).map(|n| stage.deposit(A, round * 100 + n)).collect();
        expected.extend((0..20).map(|n| format!("+{}", round * 100 + n)));
        stage.send(events).await;
        stage.start().await;
        // Somewhere on the way, another place every time.
        for _ in 0..round * 7 {
            tokio::task::yield_now().await;
        }
        stage.crash().await;
    }
    stage.start().await;
    stage.log_is(A, &expected.join(" ")).await;
    stage.all_is_said().await;
}

#[tokio::test]
async fn what_was_passed_over_is_not_looked_at() {
    let stage = Stage::started().await;
    let mut event = stage.event(MONEY, A, "Unheard.v1", &serde_json::Value::Null);
    std::sync::Arc::make_mut(&mut event.message).value = b"no JSON at all".as_slice().into();
    // On its own topic only: a licence on the wrong one is passed over. Commands, outcomes, reminders cannot be forged.
    let wrong = stage.event(MONEY, A, "Licensed.v1", &serde_json::json!({}));
    let forged =
        ["Nudge", "Spend", "Bill"].map(|kind| stage.event(MONEY, A, kind, &serde_json::json!({ "note": "x" })));
    stage.send([event, wrong]).await;
    stage.send(forged).await;
    stage.send([stage.mark(MONEY, A, "end")]).await;
    stage.log_is(A, "end").await;
    assert!(stage.parked().is_empty());
    stage.all_is_said().await;
    assert_eq!(stage.said().await.len(), 1, "only about A, on {SAID}");
}
