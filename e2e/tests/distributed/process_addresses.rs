//! The checker reads the metrics of each process at its own address.

use e2e::check::{CheckError, leftovers::Unasked};

use crate::world::{at, check_all, run_check, system};

#[tokio::test]
async fn an_unreachable_process_fails_the_check_although_another_serves_its_service() {
    let mut system = system(&[]).await;
    system.add("payment").await.unwrap();
    let shop = at(&system);
    check_all(&system, &shop).await;
    let added = system.processes.last().unwrap();
    added.terminate().await.unwrap();
    let judged = run_check(&shop, &system.addresses()).await;
    let is_it = |error: &Unasked| matches!(error, Unasked::Call { process, .. } if *process == added.address());
    assert!(matches!(&judged, Err(CheckError::Unasked(error)) if is_it(error)), "{judged:?}");
}

#[tokio::test]
async fn the_order_process_alone_does_not_suffice() {
    let system = system(&[]).await;
    let shop = at(&system);
    let judged = run_check(&shop, &[system.address()]).await;
    let unknown = ["inventory", "payment", "fulfillment", "notification", "analytics"];
    let is_it = |error: &Unasked| matches!(error, Unasked::Unknown { services, .. } if *services == unknown);
    assert!(matches!(&judged, Err(CheckError::Unasked(error)) if is_it(error)), "{judged:?}");
}
