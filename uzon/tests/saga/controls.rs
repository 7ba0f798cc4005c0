//! Mutation controls: with a safeguard taken away, the simulation must notice. A check that passes them is worthless.

use events::service;
use fulfillment_service::{saga::FulfillmentSaga, store::Work as Shipments};
use inventory_service::{
    saga::{Input as StockInput, InventorySaga},
    store::Stock,
};
use platform::{Consequences, Delivery, Participant, Rows, Verdict};
use testkit::{Node, sim::Sim};

use crate::{
    simulation::run,
    system::{FULFILLMENT, INVENTORY, Mutation, Outside, fulfillment, fulfillment_of, inventory_of},
};

/// Seeds tried before a control counts as unnoticed.
const SEEDS: u64 = 3_000;

fn noticed(mutation: Mutation, change: impl Fn(Sim<Outside>) -> Sim<Outside> + Copy) -> String {
    (0..SEEDS).find_map(|seed| run(seed, mutation, change).err()).expect("nobody notices that the safeguard is gone")
}

#[test]
fn a_new_payment_key_per_attempt_is_noticed() {
    assert!(noticed(Mutation::NewKeyPerAttempt, |sim| sim).contains("charged twice"));
}

#[test]
fn a_time_out_taken_for_a_decline_is_noticed() {
    assert!(noticed(Mutation::TimeoutIsDecline, |sim| sim).contains("money is kept"));
}

#[test]
fn a_payment_voided_on_not_found_is_noticed() {
    assert!(noticed(Mutation::VoidOnNotFound, |sim| sim).contains("money is kept"));
}

/// A fulfillment without tombstones: a cancellation before the confirmation leaves no trace.
struct NoTombstone(FulfillmentSaga);

impl Participant for NoTombstone {
    const NAME: &'static str = "fulfillment";
    type Input = fulfillment_service::saga::Input;
    type Workset = Shipments;

    fn react(&self, work: &mut Shipments, it: &Delivery<Self::Input>, then: &mut Consequences) -> Verdict {
        use fulfillment_service::saga::Input::{OrderCancellationRequested, OrderCancelled};
        let forgotten =
            matches!(it.input, OrderCancelled | OrderCancellationRequested) && work.shipments.get(&it.key).is_none();
        let verdict = self.0.react(work, it, then);
        if forgotten {
            let others = work.shipments.iter().filter(|row| row.order_id != it.key).cloned().collect::<Vec<_>>();
            work.shipments = Rows::whole(others);
        }
        verdict
    }
}

#[test]
fn a_fulfillment_without_tombstones_is_noticed() {
    let what = noticed(Mutation::None, |mut sim| {
        let rules = FulfillmentSaga { ask_after: chrono::TimeDelta::hours(1) };
        let original = fulfillment_of(&sim.nodes);
        sim.nodes[FULFILLMENT] = original.with(NoTombstone(rules));
        sim
    });
    assert!(!what.is_empty());
}

/// An inventory that gives stock up because of a timer of its own.
struct ReleasesOnExpiry(InventorySaga);

impl Participant for ReleasesOnExpiry {
    const NAME: &'static str = "inventory";
    type Input = StockInput;
    type Workset = Stock;

    fn react(&self, stock: &mut Stock, it: &Delivery<StockInput>, then: &mut Consequences) -> Verdict {
        match it.input {
            StockInput::ReservationDue => stock.release(it.key, events::ReleaseReason::OrderCancelled, &self.0, then),
            _ => self.0.react(stock, it, then),
        }
    }
}

#[test]
fn stock_released_on_expiry_is_noticed() {
    let what = noticed(Mutation::None, |mut sim| {
        let rules = InventorySaga { hold_for: chrono::TimeDelta::minutes(15), low_stock: 2 };
        sim.nodes[INVENTORY] = inventory_of(&sim.nodes).with(ReleasesOnExpiry(rules));
        sim
    });
    assert!(what.contains("stock"), "{what}");
}

/// An inventory that reserves for an order as often as it hears of it, and has no inbox.
struct ReservesAgain(InventorySaga);

impl Participant for ReservesAgain {
    const NAME: &'static str = "inventory";
    const INBOX: bool = false;
    type Input = StockInput;
    type Workset = Stock;

    fn react(&self, stock: &mut Stock, it: &Delivery<StockInput>, then: &mut Consequences) -> Verdict {
        if matches!(it.input, StockInput::OrderCreated(_)) {
            let others = stock.reservations.iter().filter(|row| row.order_id != it.key).cloned().collect::<Vec<_>>();
            stock.reservations = Rows::whole(others);
        }
        self.0.react(stock, it, then)
    }
}

#[test]
fn a_repeated_order_that_reserves_again_is_noticed() {
    let what = noticed(Mutation::None, |mut sim| {
        let rules = InventorySaga { hold_for: chrono::TimeDelta::minutes(15), low_stock: 2 };
        sim.nodes[INVENTORY] = inventory_of(&sim.nodes).with(ReservesAgain(rules));
        sim
    });
    assert!(what.contains("reserv") || what.contains("stock"), "{what}");
}

/// Two instances that read stock, decide, and write it without a lock: the second overwrites what the first has decided.
#[test]
fn stock_read_then_written_without_a_lock_is_noticed() {
    let (clock, _) = platform::Clock::manual(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(), 1);
    let mut it = crate::system::begin(crate::system::Begin { stock: 3, ..Default::default() }, 1, false);
    let _ = (&clock, &mut it, service::INVENTORY);
    let mut one: Node<InventorySaga, Outside> = inventory_of(&it.nodes).clone();
    let mut other = one.clone(); // has read the same rows
    let wish = serde_json::json!({ "items": [{ "productId": crate::system::TEAPOT, "quantity": 2 }] });
    one.event(crate::system::order(7), "OrderCreated.v1", &wish);
    other.event(crate::system::order(8), "OrderCreated.v1", &wish);
    // The later write wins, as it would without locks: both reservations are there, the product's row is the other's.
    let mut rows: Vec<_> = one.work.reservations.iter().cloned().collect();
    rows.extend(other.work.reservations.iter().cloned());
    other.work.reservations = Rows::whole(rows);
    it.nodes[INVENTORY] = Box::new(other);
    assert!(crate::invariants::wrong(&it, 3, false).expect("nobody notices").contains("reserved"));
    let _ = fulfillment(&clock);
}
