//! An unavailable database: no input is blamed for it, and none is lost.

use telemetry::Trace;
use uuid::Uuid;

use crate::{
    ledger::{MONEY, Spend, Spent},
    stage::{Stage, eventually},
};

const A: Uuid = Uuid::from_u128(0xa);

/// Nothing can be committed from now on; not because of the data.
async fn fall_ill(stage: &Stage) {
    stage.sql("ALTER TABLE outbox RENAME TO away").await;
}

async fn recover(stage: &Stage) {
    stage.sql("ALTER TABLE away RENAME TO outbox").await;
}

#[tokio::test]
async fn everything_waits_until_it_is_well() {
    let mut stage = Stage::started().await;
    stage.send([stage.deposit(A, 10)]).await;
    stage.log_is(A, "+10").await;
    stage.all_is_said().await;
    fall_ill(&stage).await;
    let unreadable = stage.event(MONEY, Uuid::from_u128(1), "Deposited.v2", &serde_json::json!({}));
    stage.send((1..=20).map(|amount| stage.deposit(A, amount))).await;
    stage.send([unreadable]).await;
    let app = stage.app().clone();
    let spend = tokio::spawn(async move { app.execute(Spend { account: A, amount: 5 }, Trace::default()).await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(stage.parked().is_empty());
    assert_eq!(stage.log(A), "+10");
    recover(&stage).await;
    assert!(matches!(spend.await.unwrap(), Ok(Spent { .. })));
    eventually("all is decided", || stage.log(A).split(' ').count() == 22).await;
    stage.parked_is(&["DEAD"]).await;
    stage.all_is_said().await;
    stage.stop().await;
}

#[tokio::test]
async fn stopping_does_not_wait_until_it_is_well() {
    let mut stage = Stage::started().await;
    stage.send([stage.deposit(A, 10)]).await;
    stage.log_is(A, "+10").await;
    stage.all_is_said().await;
    fall_ill(&stage).await;
    stage.send((1..=20).map(|amount| stage.deposit(A, amount))).await;
    let app = stage.app().clone();
    let spend = tokio::spawn(async move { app.execute(Spend { account: A, amount: 5 }, Trace::default()).await });
    tokio::task::yield_now().await;
    stage.stop().await;
    assert!(spend.await.unwrap().is_err(), "the caller learns that nothing has happened");
    recover(&stage).await;
    assert_eq!(stage.log(A), "+10");
    stage.start().await;
    eventually("all is decided", || stage.log(A).split(' ').count() == 21).await;
    assert!(!stage.log(A).contains("-5"));
    stage.all_is_said().await;
}
