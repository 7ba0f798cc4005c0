//! Invariants of every state, and of final states.

use events::OrderStatus;
use fulfillment_service::domain::State as Shipment;
use inventory_service::domain::State as Reservation;
use payment_service::domain::State as Payment;
use sandbox::payment_provider::Operation;
use testkit::sim::Sim;
use uuid::Uuid;

use crate::system::{Outside, TEAPOT, fulfillment_of, inventory_of, orders_of, payment_of};

/// The state of an order in all services.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Seen {
    pub order: OrderStatus,
    pub reservation: Option<Reservation>,
    pub payment: Option<Payment>,
    pub shipment: Option<Shipment>,
    /// From the provider's ledger: charged and refunded cents, number of charges.
    pub charged: (i64, i64, usize),
    /// From the carrier's ledger: booked and not cancelled, picked up, delivered.
    pub parcel: (bool, bool, bool),
}

pub fn seen(sim: &Sim<Outside>, order: Uuid) -> Seen {
    let world = &sim.world;
    let taken = |operation| {
        let entries = world.bank.work.entries.iter();
        entries.filter(move |it| it.order_id == order && it.operation == operation && it.reference.is_some())
    };
    let charges: Vec<i64> = taken(Operation::Charge).map(|it| it.amount_minor).collect();
    let refunded = taken(Operation::Refund).map(|it| it.amount_minor).sum();
    let booking = world.carrier.work.bookings.iter().find(|it| it.order_id == order);
    let booked = booking.is_some_and(|it| it.refused.is_none() && it.cancelled_at.is_none());
    Seen {
        order: *orders_of(&sim.nodes).work.orders.get(&order).expect("it was placed").status,
        reservation: inventory_of(&sim.nodes).work.reservations.get(&order).map(|it| it.state),
        payment: payment_of(&sim.nodes).work.rows.get(&order).map(|it| it.state),
        shipment: fulfillment_of(&sim.nodes).work.shipments.get(&order).map(|it| it.state),
        charged: (charges.iter().sum(), refunded, charges.len()),
        parcel: (
            booked,
            booking.is_some_and(|it| it.picked_up_at.is_some()),
            booking.is_some_and(|it| it.delivered_at.is_some()),
        ),
    }
}

/// A violated invariant, if any. `received`: units added to stock; `end`: whether the state is
/// final.
pub fn wrong(sim: &Sim<Outside>, received: i64, end: bool) -> Option<String> {
    let stock = inventory_of(&sim.nodes).work.products.get(&TEAPOT).expect("the product");
    if stock.available < 0 || stock.reserved < 0 || stock.shipped < 0 {
        return Some("stock below zero".into());
    }
    if stock.available + stock.reserved + stock.shipped != received {
        return Some("units are lost or created".into());
    }
    let kept: i64 = inventory_of(&sim.nodes)
        .work
        .reservations
        .iter()
        .filter(|it| matches!(it.state, Reservation::Reserved | Reservation::Committed))
        .flat_map(|it| it.lines.iter())
        .map(|line| i64::from(line.quantity))
        .sum();
    if kept != stock.reserved {
        return Some(format!("{} reserved, but reservations keep {kept}", stock.reserved));
    }
    sim.world.orders.iter().find_map(|order| {
        let it = seen(sim, *order);
        always(&it).or_else(|| end.then(|| at_end(&it)).flatten())
    })
}

fn always(it: &Seen) -> Option<String> {
    let (charged, refunded, times) = it.charged;
    let gone = it.parcel.1;
    if times > 1 {
        return Some("charged twice".into());
    }
    if refunded > charged {
        return Some("more paid back than charged".into());
    }
    if gone && charged == refunded {
        return Some("shipped unpaid".into());
    }
    let kept = matches!(it.reservation, Some(Reservation::Reserved | Reservation::Committed | Reservation::Shipped));
    (gone && !kept).then(|| "shipped without stock".into())
}

fn at_end(it: &Seen) -> Option<String> {
    let (charged, refunded, _) = it.charged;
    match it.order {
        OrderStatus::Delivered => {
            let all = it.reservation == Some(Reservation::Shipped)
                && it.payment == Some(Payment::Charged)
                && it.shipment == Some(Shipment::Delivered)
                && charged > 0
                && refunded == 0
                && it.parcel.2;
            (!all).then(|| format!("delivered, but the services disagree: {it:?}"))
        }
        OrderStatus::Cancelled | OrderStatus::Failed => {
            if charged != refunded {
                return Some(format!("ended, but money is kept: {it:?}"));
            }
            if matches!(it.reservation, Some(Reservation::Reserved | Reservation::Committed | Reservation::Shipped)) {
                return Some(format!("ended, but stock is kept: {it:?}"));
            }
            if !matches!(it.shipment, None | Some(Shipment::Cancelled | Shipment::Failed)) || it.parcel.0 {
                return Some(format!("ended, but there is a parcel: {it:?}"));
            }
            let settled = matches!(it.payment, None | Some(Payment::Refunded | Payment::Declined | Payment::Voided));
            (!settled).then(|| format!("ended, but the payment is open: {it:?}"))
        }
        _ => Some(format!("stuck: {it:?}")),
    }
}
