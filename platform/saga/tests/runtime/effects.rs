//! Calls to the outside: asked for by a decision, made by a worker, decided about when they have an outcome.

use std::time::Duration;

use saga::{BreakerPolicy, BreakerState, Policy};
use uuid::Uuid;

use crate::stage::{Does, Stage, eventually};

const A: Uuid = Uuid::from_u128(0xa);

fn key(number: u32) -> String {
    format!("bill:{A}:{number}")
}

async fn with(policy: Policy) -> Stage {
    let mut stage = Stage::new().await;
    stage.plan.policy = policy;
    stage.start().await;
    stage
}

fn quick() -> Policy {
    Policy { timeout: Duration::from_millis(20), ..Policy::default() }
}

/// No outcome waits that long here: it is decided because the participant stops.
#[tokio::test]
async fn a_room_that_lingers_decides_the_first_at_once_and_what_waits_before_it_stops() {
    let mut stage = Stage::new().await;
    stage.plan.lingers = Duration::from_hours(1);
    stage.start().await;
    stage.send([stage.bill(A, 1, 1)]).await;
    stage.log_is(A, "asked1").await;
    eventually("the call is made", || stage.provider.calls().len() == 1).await;
    assert_eq!(stage.log(A), "asked1");
    stage.stop().await;
    assert_eq!(stage.log(A), "asked1 billed1=1");
}

#[tokio::test]
async fn a_room_that_lingers_does_not_rest_after_many() {
    let mut stage = Stage::new().await;
    stage.plan.lingers = Duration::from_hours(1);
    stage.plan.settings.batch = 20;
    stage.start().await;
    stage.send((1..=20).map(|number| stage.bill(A, number, 1))).await;
    eventually("they have their outcomes", || stage.log(A).matches("billed").count() > 0).await;
}

#[tokio::test]
async fn performed_once_each() {
    let stage = Stage::started().await;
    stage.provider.will((0..50).map(Does::Answer));
    stage.send((0..50).map(|number| stage.bill(A, number, 1))).await;
    eventually("all have an outcome", || stage.log(A).matches("billed").count() == 50).await;
    stage.settle().await;
    let mut calls = stage.provider.calls();
    calls.sort();
    let mut wanted: Vec<_> = (0..50).map(key).collect();
    wanted.sort();
    assert_eq!(calls, wanted);
    assert_eq!(stage.count("SELECT count(*) FROM effects"), 0);
    stage.all_is_said().await;
}

#[tokio::test]
async fn a_crash_before_the_outcome_calls_again_with_the_same_key() {
    let mut stage = with(Policy { timeout: Duration::from_mins(10), ..Policy::default() }).await;
    stage.provider.will([Does::Hang]);
    stage.send([stage.bill(A, 1, 1)]).await;
    eventually("the call is made", || stage.provider.calls().len() == 1).await;
    stage.crash().await; // the outside may have done it; nobody here knows
    stage.start().await;
    stage.until_taken_over(|| stage.log(A) == "asked1 billed1=1").await;
    assert_eq!(stage.provider.calls(), [key(1), key(1)]);
    assert_eq!(stage.count("SELECT count(*) FROM effects"), 0);
    stage.all_is_said().await;
}

#[tokio::test]
async fn a_time_out_is_unknown_when_the_policy_says_so() {
    for does in [Does::Hang, Does::Unknown, Does::Panic] {
        let stage = with(Policy { unknown: true, attempts: Some(1), ..quick() }).await;
        stage.provider.will([does]);
        stage.send([stage.bill(A, 1, 1)]).await;
        stage.log_is(A, "asked1 unknown1").await;
    }
}

#[tokio::test]
async fn a_failure_is_never_unknown() {
    let stage = with(Policy { unknown: true, attempts: Some(1), ..quick() }).await;
    stage.provider.will([Does::Fail]);
    stage.send([stage.bill(A, 1, 1)]).await;
    stage.log_is(A, "asked1 gaveup1@1").await;
}

#[tokio::test]
async fn without_that_policy_a_time_out_is_tried_again() {
    for does in [Does::Hang, Does::Unknown, Does::Panic] {
        let stage = with(quick()).await;
        stage.provider.will([does, Does::Answer(7)]);
        stage.send([stage.bill(A, 1, 1)]).await;
        eventually("it has failed", || stage.count("SELECT count(*) FROM effects WHERE attempts = 1") == 1).await;
        stage.advance(60_000);
        stage.log_is(A, "asked1 billed1=7").await;
        assert_eq!(stage.provider.calls(), [key(1), key(1)]);
    }
}

#[tokio::test]
async fn retries_wait_longer_each_time_and_end() {
    let first_wait = Duration::from_secs(100);
    let stage =
        with(Policy { attempts: Some(4), first_wait, longest_wait: Duration::from_secs(1000), ..quick() }).await;
    stage.provider.will([Does::Fail; 4]);
    stage.send([stage.bill(A, 1, 1)]).await;
    // With jitter: between a tenth of the first and the whole.
    for (attempt, most) in [(1, 100), (2, 200), (3, 400)] {
        let sql = format!("SELECT count(*) FROM effects WHERE attempts = {attempt} AND NOT leased");
        eventually("it has failed", || stage.count(&sql) == 1).await;
        stage.advance(9_999);
        stage.settle().await;
        assert_eq!(stage.provider.calls().len(), attempt, "not at once");
        stage.advance((most - 9) * 1000);
        eventually("it is tried again", || stage.provider.calls().len() == attempt + 1).await;
    }
    stage.log_is(A, "asked1 gaveup1@4").await;
    assert_eq!(stage.provider.calls(), vec![key(1); 4]);
    assert_eq!(stage.count("SELECT count(*) FROM effects"), 0);
}

#[tokio::test]
async fn while_the_breaker_is_open_requests_wait() {
    let mut stage = Stage::new().await;
    stage.plan.settings.concurrency = 1;
    stage.start().await;
    stage.provider.will([Does::Fail; 5]);
    stage.send((1..=20).map(|number| stage.bill(A, number, 1))).await;
    eventually("the breaker is open", || stage.plan.breaker.state() == BreakerState::Open).await;
    let attempts = "SELECT count(*) FROM effects WHERE attempts > 0";
    eventually("what has failed is put off", || stage.count(attempts) == 5).await;
    stage.settle().await;
    assert_eq!(stage.provider.calls().len(), 5, "nobody is called any more");
}

#[tokio::test]
async fn the_breaker_closes() {
    let mut stage = Stage::new().await;
    stage.plan.settings.breaker = BreakerPolicy { open: Duration::from_millis(50), ..BreakerPolicy::default() };
    stage.start().await;
    stage.provider.will([Does::Fail; 5]);
    stage.send((1..=20).map(|number| stage.bill(A, number, 1))).await;
    // What has failed is due again by the manual clock; the breaker stays open in real time.
    eventually("all are billed", || {
        stage.advance(1_000);
        stage.log(A).matches("billed").count() == 20
    })
    .await;
    assert_eq!(stage.provider.calls().len(), 25);
    assert_eq!(stage.plan.breaker.state(), BreakerState::Closed);
}

/// Another process has taken the request: the outcome of the first call does not count any more.
#[tokio::test]
async fn an_outcome_of_an_earlier_owner_is_dropped() {
    let mut stage = with(Policy { timeout: Duration::from_secs(2), unknown: true, ..Policy::default() }).await;
    stage.provider.will([Does::Hang, Does::Answer(2)]);
    stage.send([stage.bill(A, 1, 1)]).await;
    eventually("the call is made", || stage.provider.calls().len() == 1).await;
    stage.declare_dead().await; // the call goes on
    stage.log_is(A, "asked1 billed1=2").await;
    stage.stop().await; // not before the first call has ended: as unknown, which is now an outcome of nothing
    assert_eq!(stage.provider.calls(), [key(1), key(1)]);
    assert_eq!(stage.log(A), "asked1 billed1=2");
    assert_eq!(stage.count("SELECT count(*) FROM effects"), 0);
    stage.audit().await.unwrap();
}

/// A process that was stopped for longer than half of the lease may have been declared dead.
#[tokio::test]
async fn no_call_is_made_without_a_recent_heartbeat() {
    if crate::ENGINE == crate::database::Engine::Sqlite {
        return; // no other process could have taken its requests over
    }
    let stage = Stage::started().await;
    stage.database.refuse("no_beats", "UPDATE", "processes", "NEW.beat > 0").await;
    stage.advance(6_000);
    stage.send([stage.bill(A, 1, 1)]).await;
    stage.log_is(A, "asked1").await;
    stage.settle().await;
    assert!(stage.provider.calls().is_empty());
    stage.database.allow("no_beats").await;
    stage.log_is(A, "asked1 billed1=1").await;
}

/// The provider may have forgotten the key: another attempt could have its effect a second time.
#[tokio::test]
async fn a_key_that_is_too_old_is_not_used_again() {
    let stage = with(Policy { key_valid_for: Some(Duration::from_hours(20)), ..quick() }).await;
    stage.provider.will([Does::Unknown]);
    stage.send([stage.bill(A, 1, 1)]).await;
    eventually("it has failed", || stage.count("SELECT count(*) FROM effects WHERE attempts = 1") == 1).await;
    stage.advance(21 * 3_600_000);
    stage.log_is(A, "asked1 expired1").await;
    assert_eq!(stage.provider.calls().len(), 1);
    assert_eq!(stage.count("SELECT count(*) FROM effects"), 0);
}

/// A process takes only what its memory holds; the rest stays in the table until it has places.
#[tokio::test]
async fn more_than_the_memory_holds_is_performed_once_each() {
    let mut stage = Stage::new().await;
    (stage.plan.settings.concurrency, stage.plan.settings.batch) = (1, 8); // 128 jobs
    stage.start().await;
    stage.send((1..=400).map(|number| stage.bill(A, number, 1))).await;
    eventually("all are billed", || stage.log(A).matches("billed").count() == 400).await;
    assert_eq!(stage.provider.calls().len(), 400);
    stage.settle().await;
    assert_eq!(stage.count("SELECT count(*) FROM effects"), 0);
    assert_eq!(stage.count("SELECT count(*) FROM effect_batches"), 0);
}

#[tokio::test]
async fn it_may_be_asked_again_with_the_same_key_when_it_has_its_outcome() {
    let stage = Stage::started().await;
    stage.provider.will((1..=3).map(Does::Answer));
    stage.send([stage.bill(A, 1, 3)]).await;
    stage.log_is(A, "asked1 billed1=1 billed1=2 billed1=3").await;
    stage.settle().await;
    assert_eq!(stage.provider.calls(), vec![key(1); 3]);
    assert_eq!(stage.count("SELECT count(*) FROM effects"), 0);
}

/// A late outcome of the first request must not pass for one of the second.
#[tokio::test]
async fn a_request_made_again_has_the_next_epoch() {
    let stage = with(Policy { timeout: Duration::from_mins(10), ..Policy::default() }).await;
    stage.provider.will([Does::Answer(1), Does::Hang]);
    stage.send([stage.bill(A, 1, 2)]).await;
    eventually("it is asked again", || stage.provider.calls().len() == 2).await;
    assert_eq!(stage.count("SELECT epoch FROM effects"), 2);
}

/// There is one row per key: who asks while it is open has not looked.
#[tokio::test]
async fn it_cannot_be_asked_twice_at_the_same_time() {
    let stage = with(Policy { timeout: Duration::from_mins(10), ..Policy::default() }).await;
    stage.provider.will([Does::Hang]);
    stage.send([stage.bill(A, 1, 1)]).await;
    eventually("the call is made", || stage.provider.calls().len() == 1).await;
    stage.send([stage.bill(A, 1, 1)]).await;
    stage.settle().await;
    stage.parked_is(&["FAILING"]).await;
    assert_eq!(stage.log(A), "asked1");
    assert_eq!(stage.provider.calls().len(), 1);
}

#[tokio::test]
async fn an_outcome_that_fails_comes_again() {
    let stage = Stage::started().await;
    // The decision about the outcome breaks a constraint until that is lifted.
    stage.database.refuse("no_bills", "UPDATE", "accounts", "NEW.log LIKE '%billed%'").await;
    stage.send([stage.bill(A, 1, 1)]).await;
    eventually("it has failed", || stage.count("SELECT count(*) FROM effects WHERE error IS NOT NULL") == 1).await;
    assert_eq!(stage.log(A), "asked1");
    stage.database.allow("no_bills").await;
    stage.advance(30_000);
    stage.log_is(A, "asked1 billed1=1").await;
    assert_eq!(stage.provider.calls(), [key(1), key(1)]);
}

#[tokio::test]
async fn stopping_finishes_the_call_in_hand() {
    let mut stage = with(Policy { timeout: Duration::from_millis(200), unknown: true, ..Policy::default() }).await;
    stage.provider.will([Does::Hang]);
    stage.send([stage.bill(A, 1, 1)]).await;
    eventually("the call is made", || stage.provider.calls().len() == 1).await;
    stage.stop().await;
    assert_eq!(stage.log(A), "asked1 unknown1");
    stage.audit().await.unwrap();
}
