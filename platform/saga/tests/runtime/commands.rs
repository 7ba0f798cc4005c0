//! Commands: everyone gets their own answer, after the commit, and a repeat gets the first.

use futures_util::future::join_all;
use saga::{IdempotentRequest, Rejected, Replied};
use telemetry::Trace;
use uuid::Uuid;

use crate::{
    ledger::{Spend, Spent, TooLittle},
    stage::Stage,
};

const A: Uuid = Uuid::from_u128(0xa);

fn spend(amount: i64) -> Spend {
    Spend { account: A, amount }
}

fn once(key: &str, body: u8) -> IdempotentRequest {
    IdempotentRequest { key: key.into(), hash: [body; 32] }
}

async fn with(amount: i64) -> Stage {
    let stage = Stage::started().await;
    stage.send([stage.deposit(A, amount)]).await;
    stage.log_is(A, &format!("+{amount}")).await;
    stage
}

#[tokio::test]
async fn everyone_gets_their_own_answer() {
    let stage = with(1000).await;
    let commands = (1..=60).map(|amount| stage.app().execute(spend(amount), Trace::default()));
    let answers = join_all(commands).await;
    let mut left = 1000;
    for (answer, amount) in answers.into_iter().zip(1..) {
        match answer {
            Ok(Spent { left: now }) => {
                assert_eq!(now, left - amount);
                left = now;
            }
            Err(Rejected::Refused(TooLittle(had))) => assert!(had == left && left < amount),
            Err(other) => panic!("{other:?}"),
        }
    }
    stage.all_is_said().await;
}

#[tokio::test]
async fn a_refusal_changes_nothing() {
    let stage = with(10).await;
    let answer = stage.app().execute(spend(11), Trace::default()).await;
    assert!(matches!(answer, Err(Rejected::Refused(TooLittle(10)))), "{answer:?}");
    let answer = stage.app().execute_once(spend(11), once("k", 1), Trace::default()).await;
    assert!(matches!(answer, Err(Rejected::Refused(TooLittle(10)))), "{answer:?}");
    assert_eq!(stage.log(A), "+10");
    assert_eq!(stage.count("SELECT count(*) FROM idempotency"), 0);
    // A refusal is not remembered: what is refused today may be granted tomorrow.
    stage.send([stage.deposit(A, 1)]).await;
    stage.log_is(A, "+10 +1").await;
    let answer = stage.app().execute_once(spend(11), once("k", 1), Trace::default()).await.unwrap();
    assert_eq!(answer, Replied { json: r#"{"left":0}"#.into(), replayed: false });
}

#[tokio::test]
async fn a_repeat_is_answered_with_the_first_answer() {
    let mut stage = with(10).await;
    let first = stage.app().execute_once(spend(4), once("k", 1), Trace::default()).await.unwrap();
    assert_eq!(first, Replied { json: r#"{"left":6}"#.into(), replayed: false });
    for restart in [false, true] {
        if restart {
            stage.crash().await;
            stage.start().await;
        }
        let again = stage.app().execute_once(spend(4), once("k", 1), Trace::default()).await.unwrap();
        assert_eq!(again, Replied { json: first.json.clone(), replayed: true });
        let other = stage.app().execute_once(spend(5), once("k", 2), Trace::default()).await;
        assert!(matches!(other, Err(Rejected::KeyReused)), "{other:?}");
    }
    stage.log_is(A, "+10 -4").await;
}

/// The first has spent what there was: decided anew, the repeat would be refused.
#[tokio::test]
async fn a_repeat_that_would_be_refused_now_is_answered_with_the_first_answer() {
    let stage = with(10).await;
    let first = stage.app().execute_once(spend(10), once("k", 1), Trace::default()).await.unwrap();
    let again = stage.app().execute_once(spend(10), once("k", 1), Trace::default()).await.unwrap();
    assert_eq!(again, Replied { json: first.json, replayed: true });
    let other = stage.app().execute_once(spend(11), once("k", 2), Trace::default()).await;
    assert!(matches!(other, Err(Rejected::KeyReused)), "{other:?}");
}

#[tokio::test]
async fn one_at_a_time_per_key() {
    let stage = with(10).await;
    let app = stage.app();
    let (one, two, other) = tokio::join!(
        app.execute_once(spend(4), once("k", 1), Trace::default()),
        app.execute_once(spend(4), once("k", 1), Trace::default()),
        app.execute_once(spend(1), once("l", 1), Trace::default()),
    );
    assert_eq!(one.unwrap().json, r#"{"left":6}"#);
    assert!(matches!(two, Err(Rejected::InProgress)), "{two:?}");
    assert_eq!(other.unwrap().json, r#"{"left":5}"#);
    let later = app.execute_once(spend(4), once("k", 1), Trace::default()).await.unwrap();
    assert!(later.replayed);
}

/// A caller that goes away leaves its command behind; its repeat may then share a batch with it.
#[tokio::test]
async fn a_repeat_beside_an_abandoned_first() {
    let stage = with(10).await;
    let app = stage.app();
    let abandoned = app.execute_once(spend(4), once("k", 1), Trace::default());
    let ended = futures_util::FutureExt::now_or_never(abandoned);
    assert!(ended.is_none(), "it is in the queue, and nobody waits for it any more");
    let again = app.execute_once(spend(4), once("k", 1), Trace::default()).await.unwrap();
    assert_eq!(again.json, r#"{"left":6}"#);
    stage.log_is(A, "+10 -4").await;
}

#[tokio::test]
async fn commands_that_fail_say_so_and_the_others_go_on() {
    let stage = with(10).await;
    // This one alone breaks a constraint: the balance would rise above the limit.
    let commands = [spend(1), spend(-2_000_000), spend(2)].map(|it| stage.app().execute(it, Trace::default()));
    let answers = join_all(commands).await;
    assert!(
        matches!(&answers[..], [Ok(Spent { left: 9 }), Err(Rejected::Failed), Ok(Spent { left: 7 })]),
        "{answers:?}"
    );
    assert!(stage.parked().is_empty());
    stage.log_is(A, "+10 -1 -2").await;
}

#[tokio::test]
async fn too_many_are_refused_before_they_are_accepted() {
    let stage = with(10_000).await;
    let commands = (0..2000).map(|_| stage.app().execute(spend(1), Trace::default()));
    let answers = join_all(commands).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(refused.iter().all(|answer| matches!(answer, Err(Rejected::Overloaded))), "{refused:?}");
    assert!(!refused.is_empty() && !done.is_empty());
    assert_eq!(stage.log(A).split(' ').count(), 1 + done.len());
}

#[tokio::test]
async fn stopping_answers_what_was_accepted_and_refuses_the_rest() {
    let mut stage = with(100).await;
    let app = stage.app().clone();
    let commands = tokio::spawn({
        let app = app.clone();
        async move { join_all((0..50).map(|_| app.execute(spend(1), Trace::default()))).await }
    });
    tokio::task::yield_now().await; // they are in the queue
    stage.stop().await;
    let answers = commands.await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let late = app.execute(spend(1), Trace::default()).await;
    assert!(matches!(late, Err(Rejected::Overloaded | Rejected::Failed)), "{late:?}");
    assert_eq!(stage.log(A).split(' ').count(), 51);
    assert_eq!(stage.count("SELECT count(*) FROM outbox"), 0, "published before the end");
    stage.audit().await.unwrap();
}
