//! Each process is asked at its own address.

use e2e::check::{CheckError, leftovers::Unasked};

use crate::world::{all_checked, all_sound, at, system};

#[tokio::test]
async fn a_process_that_is_away_fails_the_check_although_another_serves_the_same() {
    let mut system = system(&[]).await;
    system.add("payment").await.unwrap();
    let shop = at(&system);
    all_sound(&system, &shop).await;
    let added = system.processes.last().unwrap();
    added.terminate().await.unwrap();
    let judged = all_checked(&shop, &system.addresses()).await;
    let is_it = |error: &Unasked| matches!(error, Unasked::Call { process, .. } if *process == added.address());
    assert!(matches!(&judged, Err(CheckError::Unasked(error)) if is_it(error)), "{judged:?}");
}

#[tokio::test]
async fn the_order_process_alone_cannot_answer_for_the_others() {
    let system = system(&[]).await;
    let shop = at(&system);
    let judged = all_checked(&shop, &[system.address()]).await;
    let unknown = ["inventory", "payment", "fulfillment", "notification", "analytics"];
    let is_it = |error: &Unasked| matches!(error, Unasked::Unknown { services, .. } if *services == unknown);
    assert!(matches!(&judged, Err(CheckError::Unasked(error)) if is_it(error)), "{judged:?}");
}
