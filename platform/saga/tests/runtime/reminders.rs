//! Coming back later: once, at the last time that was said, or not at all.

use std::{sync::atomic::Ordering, time::Duration};

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use telemetry::Trace;
use uuid::Uuid;

use crate::{
    database::literal,
    ledger::{PAPERS, Quiet},
    stage::{Stage, eventually},
};

const A: Uuid = Uuid::from_u128(0xa);

#[tokio::test]
async fn fires_once() {
    let mut stage = Stage::started().await;
    stage.send([stage.timer(A, 10, "x")]).await;
    stage.log_is(A, "timed:x").await;
    stage.advance(9_999);
    stage.settle().await;
    assert_eq!(stage.log(A), "timed:x", "not before it is time");
    stage.advance(1);
    stage.log_is(A, "timed:x nudged:x").await;
    stage.advance(1_000_000);
    stage.settle().await;
    stage.stop().await;
    stage.start().await;
    stage.settle().await;
    assert_eq!(stage.log(A), "timed:x nudged:x");
    assert_eq!(stage.count("SELECT count(*) FROM reminders"), 0);
    stage.all_is_said().await;
}

#[tokio::test]
async fn survives_a_crash() {
    let mut stage = Stage::started().await;
    stage.send([stage.timer(A, 10, "x")]).await;
    stage.log_is(A, "timed:x").await;
    stage.crash().await;
    stage.advance(20_000);
    stage.start().await;
    stage.log_is(A, "timed:x nudged:x").await;
}

#[tokio::test]
async fn set_again_it_is_another() {
    let stage = Stage::started().await;
    stage.send([stage.timer(A, 10, "x")]).await;
    stage.log_is(A, "timed:x").await;
    stage.send([stage.timer(A, 20, "y")]).await;
    stage.log_is(A, "timed:x timed:y").await;
    stage.advance(10_000);
    stage.settle().await;
    assert_eq!(stage.log(A), "timed:x timed:y");
    stage.advance(10_000);
    stage.log_is(A, "timed:x timed:y nudged:y").await;
    assert_eq!(stage.count("SELECT count(*) FROM reminders"), 0);
}

#[tokio::test]
async fn cancelled_it_never_fires() {
    let mut stage = Stage::started().await;
    stage.send([stage.timer(A, 10, "x")]).await;
    stage.log_is(A, "timed:x").await;
    stage.send([stage.event(PAPERS, A, "Untimed.v1", &serde_json::json!({}))]).await;
    stage.log_is(A, "timed:x untimed").await;
    stage.advance(20_000);
    stage.settle().await;
    stage.crash().await;
    stage.start().await;
    stage.settle().await;
    assert_eq!(stage.log(A), "timed:x untimed");
}

#[tokio::test]
async fn the_last_word_of_a_batch_counts() {
    let untimed = |stage: &Stage| stage.event(PAPERS, A, "Untimed.v1", &serde_json::json!({}));
    let mut stage = Stage::new().await;
    stage.send([stage.timer(A, 10, "x"), untimed(&stage)]).await;
    stage.start().await;
    stage.log_is(A, "timed:x untimed").await;
    assert_eq!(stage.count("SELECT count(*) FROM reminders"), 0);
    stage.stop().await;
    stage.send([untimed(&stage), stage.timer(A, 10, "y")]).await;
    stage.start().await;
    stage.log_is(A, "timed:x untimed untimed timed:y").await;
    stage.advance(10_000);
    stage.log_is(A, "timed:x untimed untimed timed:y nudged:y").await;
}

/// The decision about a reminder fails: it stays, and comes again.
#[tokio::test]
async fn one_that_fails_comes_again() {
    let stage = Stage::started().await;
    stage.database.refuse("no_nudges", "UPDATE", "accounts", "NEW.log LIKE '%nudged%'").await;
    stage.send([stage.timer(A, 10, "x")]).await;
    stage.log_is(A, "timed:x").await;
    let due = || stage.database.ask::<(DateTime<Utc>,)>("SELECT due FROM reminders").pop().unwrap();
    let first = due();
    stage.advance(10_000);
    eventually("it is put off", || due() != first).await;
    stage.database.allow("no_nudges").await;
    stage.advance(30_000);
    stage.log_is(A, "timed:x nudged:x").await;
}

/// One that nobody here knows is left alone, and stands in nobody's way.
#[tokio::test]
async fn strange_ones_are_passed_over() {
    let mut stage = Stage::new().await;
    stage.plan.settings.batch = 4;
    stage.start().await;
    stage.send([stage.timer(A, 10, "x")]).await;
    stage.log_is(A, "timed:x").await;
    let strange = |n: u128| {
        let id = literal(Uuid::from_u128(n));
        format!("({id}, 'Strange', {id}, '2000-01-01 00:00:00', '{{}}', '', NULL)")
    };
    let strange: Vec<_> = (100..150).map(strange).collect();
    stage.sql(&format!("INSERT INTO reminders VALUES {}", strange.join(", "))).await;
    stage.advance(10_000);
    stage.log_is(A, "timed:x nudged:x").await;
    assert_eq!(stage.count("SELECT count(*) FROM reminders"), 50);
}

/// Cancelled by a command of the very batch in which it would fire: the command comes first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_in_the_batch_in_which_it_would_fire() {
    let mut stage = Stage::new().await;
    stage.plan.settings.poll_interval = Duration::from_millis(1);
    stage.start().await;
    stage.send([stage.timer(A, 10, "x")]).await;
    stage.log_is(A, "timed:x").await;
    // While the batch loop is busy with something else, the reminder becomes due and the command comes in. (It looks for what is
    // due first, then for commands, and commands come first in the batch.)
    stage.send([stage.mark(PAPERS, A, "gate")]).await;
    eventually("the room is busy", || stage.gate.reached.load(Ordering::SeqCst)).await;
    stage.advance(10_000);
    let app = stage.app().clone();
    let mut quiet = Box::pin(app.execute(Quiet { account: A }, Trace::default()));
    assert!(quiet.as_mut().now_or_never().is_none());
    stage.gate.open.store(true, Ordering::SeqCst);
    quiet.await.unwrap();
    stage.settle().await;
    assert_eq!(stage.log(A), "timed:x quiet");
    assert_eq!(stage.count("SELECT count(*) FROM reminders"), 0);
}
