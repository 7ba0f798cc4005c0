//! Two instances of a service on one database, both of which receive every event: whatever both try, it happens once, and what
//! is said about an account is said in order.

use std::time::Duration;

use chrono::TimeDelta;

use saga::{IdempotentRequest, Rejected, Running};
use telemetry::Trace;
use uuid::Uuid;

use crate::{
    ledger::Spend,
    stage::{Does, Stage, eventually},
};

const A: Uuid = Uuid::from_u128(0xa);

fn account(number: u128) -> Uuid {
    Uuid::from_u128(0x100 + number)
}

async fn two() -> (Stage, Running) {
    let mut stage = Stage::new().await;
    stage.plan.policy.first_wait = Duration::from_secs(5);
    stage.plan.settings.breaker.failures = 100;
    stage.start().await;
    let twin = stage.twin().await;
    (stage, twin)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_decide_is_said_in_order() {
    let (mut stage, twin) = two().await;
    stage.send([stage.deposit(A, 1000)]).await;
    stage.log_is(A, "+1000").await;
    for _ in 0..60 {
        for app in [stage.app(), &twin.app] {
            app.execute(Spend { account: A, amount: 1 }, Trace::default()).await.unwrap();
        }
    }
    stage.all_is_said().await;
    stage.stop().await;
    twin.stop().await;
    stage.audit().await.unwrap();
    assert_eq!(stage.log(A).matches("-1").count(), 120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_both_hear_is_decided_once() {
    let (mut stage, twin) = two().await;
    for round in 0..5 {
        let deposits = (0..40).map(|n| stage.deposit(account(n % 8), round * 40 + i64::try_from(n).unwrap() + 1));
        stage.send(deposits.collect::<Vec<_>>()).await;
        let spends = (0..20).map(|n| {
            let app = if n % 2 == 0 { stage.app().clone() } else { twin.app.clone() };
            async move { app.execute(Spend { account: account(n % 8), amount: 1 }, Trace::default()).await }
        });
        futures_util::future::join_all(spends).await;
    }
    stage.settle().await;
    eventually("all is decided", || (0..8).map(|n| stage.log(account(n)).matches('+').count()).sum::<usize>() == 200)
        .await;
    stage.all_is_said().await;
    stage.stop().await;
    twin.stop().await;
    stage.audit().await.unwrap();
    assert!(stage.parked().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_goes_on_publishing_when_one_is_gone() {
    let (mut stage, twin) = two().await;
    stage.send([stage.deposit(A, 1000)]).await;
    stage.log_is(A, "+1000").await;
    stage.all_is_said().await;
    stage.crash().await; // with or without the lease
    for _ in 0..10 {
        twin.app.execute(Spend { account: A, amount: 1 }, Trace::default()).await.unwrap();
    }
    stage.all_is_said().await;
    stage.start().await;
    twin.stop().await;
    stage.app().execute(Spend { account: A, amount: 1 }, Trace::default()).await.unwrap();
    stage.all_is_said().await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reminder_fires_once() {
    let (mut stage, twin) = two().await;
    stage.send((0..30).map(|n| stage.timer(account(n), 10, "x"))).await;
    for n in 0..30 {
        stage.log_is(account(n), "timed:x").await;
    }
    stage.advance(10_000);
    for n in 0..30 {
        stage.log_is(account(n), "timed:x nudged:x").await;
    }
    stage.settle().await;
    stage.all_is_said().await;
    stage.stop().await;
    twin.stop().await;
    assert!((0..30).all(|n| stage.log(account(n)) == "timed:x nudged:x"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_due_again_is_taken_by_one() {
    let (mut stage, twin) = two().await;
    stage.provider.will([Does::Fail; 8]);
    stage.send((0..8).map(|n| stage.bill(account(n), 1, 1))).await;
    eventually("all have failed", || stage.count("SELECT count(*) FROM effects WHERE attempts = 1") == 8).await;
    stage.time.advance(TimeDelta::seconds(60));
    for n in 0..8 {
        stage.log_is(account(n), "asked1 billed1=1").await;
    }
    assert_eq!(stage.provider.calls().len(), 16, "once, and once again");
    stage.stop().await;
    twin.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idempotent_command_is_decided_once() {
    let (mut stage, twin) = two().await;
    stage.send([stage.deposit(A, 1000)]).await;
    stage.log_is(A, "+1000").await;
    for n in 0..30 {
        let ask = |app: saga::App| async move {
            let once = IdempotentRequest { key: format!("key {n}"), hash: [1; 32] };
            loop {
                let said = app.execute_once(Spend { account: A, amount: 1 }, once.clone(), Trace::default()).await;
                match said {
                    Err(Rejected::InProgress) => tokio::task::yield_now().await,
                    other => break other.unwrap(),
                }
            }
        };
        let (one, other) = tokio::join!(ask(stage.app().clone()), ask(twin.app.clone()));
        assert_eq!(one.json, other.json);
        assert!(one.replayed != other.replayed, "{one:?}, {other:?}");
    }
    assert_eq!(stage.log(A).matches("-1").count(), 30);
    stage.all_is_said().await;
    stage.stop().await;
    twin.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_requests_of_a_process_that_is_gone_are_taken_over() {
    let mut stage = Stage::new().await;
    stage.plan.policy.timeout = Duration::from_mins(10);
    stage.plan.settings.concurrency = 20;
    stage.start().await;
    stage.provider.will([Does::Hang; 20]);
    stage.send((0..20).map(|n| stage.bill(account(n), 1, 1))).await;
    eventually("all are called", || stage.provider.calls().len() == 20).await;
    let twin = stage.twin().await;
    stage.settle().await;
    assert_eq!(stage.provider.calls().len(), 20, "while the first process lives, its requests are its own");
    stage.crash().await;
    stage.until_taken_over(|| (0..20).all(|n| stage.log(account(n)) == "asked1 billed1=1")).await;
    assert_eq!(stage.provider.calls().len(), 40, "once more each, with the same key");
    twin.stop().await;
}
