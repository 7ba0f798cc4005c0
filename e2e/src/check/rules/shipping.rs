//! Parcels: one per shipped order, none for any other order, none without payment.

use std::collections::{BTreeMap, BTreeSet};

use events::OrderStatus;
use uuid::Uuid;

use crate::check::{Facts, Findings, facts::Parcel};

pub fn check(facts: &Facts, found: &mut Findings) {
    let accounts = facts.account();
    let orders: BTreeMap<Uuid, OrderStatus> = facts.orders.iter().map(|order| (order.order_id, order.status)).collect();
    let parcels = facts.parcels();
    for (&id, parcel) in &parcels {
        found.expect(parcel.strange.is_empty(), "ledger-words", id, format!("the carrier's ledger has {parcel:?}"));
        once(id, parcel, found);
        let charged = accounts.get(&id).is_some_and(|account| !account.charges.is_empty());
        found.expect(
            charged || parcel.picked_up == 0,
            "shipped-unpaid",
            id,
            "the carrier has the parcel of an unpaid order",
        );
        match orders.get(&id) {
            None => found.add("parcel-without-order", id, format!("the carrier knows of {parcel:?}")),
            Some(OrderStatus::Cancelled | OrderStatus::Failed) => {
                let detail = format!("it is over, and the carrier has {parcel:?}");
                found.expect(parcel.picked_up == 0 && parcel.booked == parcel.cancelled, "parcel-alive", id, detail);
            }
            Some(_) => {}
        }
    }
    for (&id, _) in orders.iter().filter(|(_, status)| **status == OrderStatus::Delivered) {
        let delivered = parcels.get(&id).is_some_and(|parcel| parcel.picked_up == 1 && parcel.delivered == 1);
        found.expect(delivered, "delivered-by-nobody", id, "it is delivered, and the carrier does not know");
    }
    let mut seen = BTreeSet::new();
    for entry in facts.carrier.iter().filter(|entry| entry.idempotency_key.is_some()) {
        let once = seen.insert((&entry.operation, &entry.idempotency_key));
        let detail = format!("{} was done twice for key {:?}", entry.operation, entry.idempotency_key);
        found.expect(once, "one-key-one-booking", entry.order_id, detail);
    }
}

/// Otherwise the customer gets two parcels.
fn once(id: Uuid, parcel: &Parcel, found: &mut Findings) {
    let single =
        parcel.booked <= 1 && parcel.picked_up <= 1 && parcel.delivered <= 1 && parcel.cancelled <= parcel.booked;
    found.expect(single, "shipped-once", id, format!("the carrier knows of {parcel:?}"));
}
