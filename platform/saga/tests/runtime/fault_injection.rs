//! Without a safeguard the suite must fail: otherwise it proves nothing. (Builds with `--cfg fault_injection` only.)

use saga::Fault;
use uuid::Uuid;

use crate::{
    database::contains,
    stage::{Stage, eventually},
};

/// No four characters of it come twice: its text is found in packed records as it is.
const A: Uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210);

/// One event, a failure between two writes of its decision, and the event again. Whatever fails on the way: it is decided
/// once, and that is said.
async fn decided_once_and_said(fault: Option<Fault>, fails_on: Option<&str>) -> Result<(), String> {
    let mut stage = Stage::new().await;
    stage.plan.fault = fault;
    let event = stage.deposit(A, 5);
    stage.start().await;
    if let Some(table) = fails_on {
        // As if the process had died before this write: it fails, for this event only.
        let is_ours = contains("NEW.records", &A.to_string());
        stage.database.refuse("crash", "INSERT", table, &is_ours).await;
    }
    stage.send([event.clone()]).await;
    stage.settle().await;
    stage.settle().await; // one batch later: the late writes are done as well
    stage.database.allow("crash").await;
    stage.send([event]).await; // its position was not committed
    stage.settle().await;
    stage.advance(1000);
    let decided = || stage.log(A).contains("+5") && stage.count("SELECT count(*) FROM parked") == 0;
    eventually("it is decided", decided).await;
    stage.settle().await;
    stage.stop().await;
    let log = stage.log(A);
    if log != "+5" {
        return Err(format!("decided: {log}"));
    }
    stage.audit().await
}

#[tokio::test]
async fn with_all_safeguards_nothing_happens_twice_and_nothing_is_lost() {
    for table in [None, Some("outbox")] {
        decided_once_and_said(None, table).await.unwrap();
    }
}

#[tokio::test]
async fn repeats_that_are_not_recognised_are_noticed() {
    let noticed = decided_once_and_said(Some(Fault::RepeatsIgnored), None).await;
    assert_eq!(noticed, Err("decided: +5 +5".into()));
}

#[tokio::test]
async fn without_the_outbox_in_the_transaction_it_is_noticed() {
    decided_once_and_said(Some(Fault::OutboxAfterCommit), None).await.unwrap(); // it takes a crash
    let noticed = decided_once_and_said(Some(Fault::OutboxAfterCommit), Some("outbox")).await;
    assert_eq!(noticed, Err(format!("{A}: said [], decided [\"+5\"]")));
}

/// The requests are stored as this process's own, but no attempt has handed them to its worker.
#[tokio::test]
async fn requests_whose_commit_was_not_answered_are_performed_once() {
    for number in [1, 10] {
        let mut stage = Stage::new().await;
        stage.plan.fault = Some(Fault::CommitAnswerLost);
        stage.start().await;
        stage.send((1..=number).map(|number| stage.bill(A, number, 1))).await;
        let billed = || stage.log(A).matches("billed").count();
        eventually("all have an outcome", || billed() == usize::try_from(number).unwrap()).await;
        assert_eq!(stage.provider.calls().len(), billed());
    }
}
