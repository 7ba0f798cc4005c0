//! Mutation controls: when a protection is removed, the simulation must report a violation.
//! Otherwise its checks prove nothing. (`platform/saga/tests` has those for inbox and outbox.)

use fulfillment_service::{inputs::Input as ParcelInput, saga::FulfillmentSaga};
use inventory_service::{inputs::Input as StockInput, saga::InventorySaga};
use rstest::rstest;
use saga::Participant;
use store::Rows;

use crate::{
    invariants::wrong,
    simulation::run,
    system::{Begin, INVENTORY, Instead, Inventory, Mutation, TEAPOT, begin, inventory_of, order},
};

/// Seeds tried before a control counts as unnoticed.
const SEEDS: u64 = 4_000;

#[rstest]
#[case(Mutation::NewKeyPerAttempt, "charged twice")]
#[case(Mutation::TimeoutIsDecline, "money is kept")]
#[case(Mutation::VoidOnNotFound, "money is kept")]
#[case(Mutation::NoTombstone, "")]
#[case(Mutation::ReleaseOnExpiry, "stock")]
#[case(Mutation::ReserveAgain, "reserv")]
fn a_missing_protection_is_noticed(#[case] mutation: Mutation, #[case] because: &str) {
    let noticed = (0..SEEDS).filter_map(|seed| run(seed, mutation).err()).find(|what| what.contains(because));
    println!("{mutation:?}: {}", noticed.expect("no check fails without the protection"));
}

pub fn fulfillment(mutation: Mutation) -> Option<Instead<FulfillmentSaga>> {
    (mutation == Mutation::NoTombstone).then_some(|rules, work, it, out| {
        use ParcelInput::{OrderCancellationRequested, OrderCancelled};
        let early =
            matches!(it.input, OrderCancelled | OrderCancellationRequested) && work.shipments.get(&it.key).is_none();
        let verdict = rules.react(work, it, out);
        if early {
            work.shipments =
                Rows::whole(work.shipments.iter().filter(|row| row.order_id != it.key).cloned().collect::<Vec<_>>());
        }
        verdict
    })
}

pub fn inventory(mutation: Mutation) -> Option<Instead<InventorySaga>> {
    match mutation {
        Mutation::ReleaseOnExpiry => Some(|saga, stock, it, out| match it.input {
            StockInput::ReservationDue => {
                stock.release(it.key, events::ReleaseReason::OrderCancelled, &saga.rules, out)
            }
            _ => saga.react(stock, it, out),
        }),
        Mutation::ReserveAgain => Some(|rules, stock, it, out| {
            if matches!(it.input, StockInput::OrderCreated(_)) {
                let others = stock.reservations.iter().filter(|row| row.order_id != it.key).cloned();
                stock.reservations = Rows::whole(others.collect::<Vec<_>>());
            }
            rules.react(stock, it, out)
        }),
        _ => None,
    }
}

/// Two instances read stock, decide, and write it without a lock: the later write overwrites the
/// decision of the other instance.
#[test]
fn stock_read_then_written_without_a_lock_is_noticed() {
    let mut sim = begin(Begin { stock: 3, ..Begin::default() }, 1, false);
    let mut one: Inventory = inventory_of(&sim.nodes).clone();
    let mut other = one.clone(); // has read the same rows
    let body = serde_json::json!({ "items": [{ "productId": TEAPOT, "quantity": 2 }] });
    one.event(order(7), "OrderCreated.v1", &body);
    other.event(order(8), "OrderCreated.v1", &body);
    let mut both: Vec<_> = one.work.reservations.iter().cloned().collect();
    both.extend(other.work.reservations.iter().cloned());
    other.work.reservations = Rows::whole(both);
    sim.nodes[INVENTORY] = Box::new(other);
    assert!(wrong(&sim, 3, false).expect("no check fails").contains("reservations keep"));
}
