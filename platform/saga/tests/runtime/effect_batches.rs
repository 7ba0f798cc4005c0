//! Requests that are performed at once share a row: what holds for one with a row of its own holds for them.

use std::time::Duration;

use saga::Policy;
use uuid::Uuid;

use crate::{
    ledger::LARGE,
    stage::{Does, Stage, eventually},
};

const A: Uuid = Uuid::from_u128(0xa);
const BATCHES: &str = "SELECT count(*) FROM effect_batches";
const ROWS: &str = "SELECT count(*) FROM effects";

/// What the provider does with those of one batch, in order; afterwards it answers.
async fn billed(policy: Policy, does: &[Does]) -> Stage {
    let mut stage = Stage::new().await;
    stage.plan.policy = policy;
    stage.plan.settings.concurrency = 64; // nobody waits for one that hangs
    stage.start().await;
    stage.provider.will(does.iter().copied());
    let bills = 1..=u32::try_from(does.len()).unwrap();
    stage.send(bills.map(|number| stage.bill(A, number, 1))).await;
    stage
}

fn patient() -> Policy {
    Policy { timeout: Duration::from_mins(10), ..Policy::default() }
}

async fn calls(stage: &Stage, wanted: usize) {
    eventually("the calls are made", || stage.provider.calls().len() == wanted).await;
}

async fn outcomes(stage: &Stage, wanted: usize) {
    eventually("they have their outcomes", || stage.log(A).matches("billed").count() == wanted).await;
}

/// Every bill has one outcome, and nothing is left of the requests.
async fn all_done(stage: &Stage, bills: usize) {
    outcomes(stage, bills).await;
    stage.settle().await;
    for number in 1..=bills {
        let log = stage.log(A);
        assert_eq!(log.split(' ').filter(|it| it.starts_with(&format!("billed{number}="))).count(), 1, "{log}");
    }
    assert_eq!((stage.count(BATCHES), stage.count(ROWS)), (0, 0));
    stage.all_is_said().await;
}

#[tokio::test]
async fn they_share_a_row_until_all_have_their_outcome() {
    let does = [Does::Answer(1), Does::Hang, Does::Answer(1), Does::Answer(1), Does::Hang, Does::Answer(1)];
    let mut stage = billed(patient(), &does).await;
    outcomes(&stage, 4).await;
    assert_eq!((stage.count(BATCHES), stage.count(ROWS)), (1, 0));
    stage.crash().await; // the outside may have done what hangs; nobody here knows
    stage.start().await;
    stage.until_taken_over(|| stage.log(A).matches("billed").count() == 6).await;
    all_done(&stage, 6).await;
    assert_eq!(stage.provider.calls().len(), 8, "those without outcome once more");
}

#[tokio::test]
async fn a_few_have_a_row_each() {
    let stage = billed(patient(), &[Does::Hang; 4]).await;
    calls(&stage, 4).await;
    assert_eq!((stage.count(BATCHES), stage.count(ROWS)), (0, 4));
}

#[tokio::test]
async fn who_has_to_wait_leaves_the_batch() {
    let does = [Does::Fail, Does::Answer(1), Does::Hang, Does::Fail, Does::Answer(1), Does::Unknown];
    let stage = billed(patient(), &does).await;
    eventually("they have failed", || stage.count("SELECT count(*) FROM effects WHERE attempts = 1") == 3).await;
    outcomes(&stage, 2).await;
    assert_eq!(stage.count(BATCHES), 1, "of the one that hangs");
    stage.advance(60_000);
    outcomes(&stage, 5).await;
    assert_eq!(stage.provider.calls().len(), 9);
    stage.declare_dead().await; // and the one that hangs is taken over
    all_done(&stage, 6).await;
    assert_eq!(stage.provider.calls().len(), 10);
}

#[tokio::test]
async fn outcomes_of_an_earlier_owner_are_dropped() {
    let policy = Policy { timeout: Duration::from_secs(2), unknown: true, ..Policy::default() };
    let mut stage = billed(policy, &[Does::Hang; 6]).await;
    calls(&stage, 6).await;
    stage.declare_dead().await; // the calls go on
    all_done(&stage, 6).await;
    stage.stop().await; // not before the first calls have ended: as unknown, which are now outcomes of nothing
    assert_eq!(stage.log(A).matches("unknown").count(), 0);
    assert_eq!(stage.provider.calls().len(), 12);
    stage.audit().await.unwrap();
}

#[tokio::test]
async fn outcomes_that_fail_come_again() {
    let stage = billed(patient(), &[Does::Hang; 0]).await;
    // The decision about an outcome breaks a constraint until that is lifted.
    stage.database.refuse("no_bills", "UPDATE", "accounts", "NEW.log LIKE '%billed%'").await;
    stage.send((1..=6).map(|number| stage.bill(A, number, 1))).await;
    eventually("they have failed", || stage.count("SELECT count(*) FROM effects WHERE error IS NOT NULL") == 6).await;
    assert_eq!((stage.count(BATCHES), stage.log(A).matches("billed").count()), (0, 0));
    stage.database.allow("no_bills").await;
    stage.advance(30_000);
    all_done(&stage, 6).await;
}

#[tokio::test]
async fn what_cannot_be_decided_yet_leaves_the_batch() {
    let stage = billed(patient(), &[]).await;
    stage.send((1..=6).map(|number| stage.bill(A, if number == 3 { LARGE } else { number }, 1))).await;
    outcomes(&stage, 5).await;
    eventually("it is put off", || stage.count("SELECT count(*) FROM effects WHERE error IS NOT NULL") == 1).await;
    assert_eq!(stage.count(BATCHES), 0);
    stage.send([stage.licence(A)]).await;
    stage.settle().await;
    stage.advance(1_000);
    outcomes(&stage, 6).await;
    stage.settle().await;
    assert_eq!((stage.count(BATCHES), stage.count(ROWS)), (0, 0));
    assert_eq!(stage.provider.calls().len(), 7);
}

#[tokio::test]
async fn they_may_be_asked_again_with_the_same_keys() {
    let stage = billed(patient(), &[]).await;
    stage.send((1..=6).map(|number| stage.bill(A, number, 2))).await;
    outcomes(&stage, 12).await;
    stage.settle().await;
    assert_eq!((stage.count(BATCHES), stage.count(ROWS)), (0, 0));
    let mut calls = stage.provider.calls();
    calls.sort();
    calls.dedup();
    assert_eq!(calls.len(), 6);
}

/// What another program has written is kept for it, and does not hold up the others.
#[tokio::test]
async fn a_batch_that_cannot_be_read_stays() {
    let stage = billed(patient(), &[Does::Hang; 6]).await;
    calls(&stage, 6).await;
    stage.sql("UPDATE effect_batches SET requests = settled").await;
    stage.provider.will([Does::Hang; 6]);
    stage.send((7..=12).map(|number| stage.bill(A, number, 1))).await;
    calls(&stage, 12).await;
    stage.declare_dead().await;
    outcomes(&stage, 6).await;
    assert_eq!(stage.count(BATCHES), 1);
    assert_eq!(stage.provider.calls().len(), 18);
}
