//! Stock: every unit received is available, reserved, or shipped with an order.

use std::collections::BTreeMap;

use events::OrderStatus;
use uuid::Uuid;

use crate::check::{Facts, Findings};

pub fn check(facts: &Facts, found: &mut Findings) {
    let gone = units(facts, |status| matches!(status, OrderStatus::Shipped | OrderStatus::Delivered));
    let held = units(facts, |status| {
        matches!(status, OrderStatus::Reserved | OrderStatus::Confirmed | OrderStatus::Cancelling)
    });
    for product in &facts.products {
        let id = product.product_id;
        let (available, reserved, shipped) = (product.available, product.reserved, product.shipped);
        let shelf = format!("product {id}: available {available}, reserved {reserved}, shipped {shipped}");
        let whole = available >= 0 && reserved >= 0 && shipped >= 0;
        found.expect(whole, "stock-negative", None, shelf.clone());
        let Some(&received) = facts.history.received.get(&id) else { continue };
        let conserved = available + reserved + shipped == received;
        found.expect(conserved, "stock-conserved", None, format!("{shelf}, received {received}"));
        let held = held.get(&id).copied().unwrap_or(0);
        found.expect(reserved == held, "stock-reserved", None, format!("{shelf}, held by open orders {held}"));
        let gone = gone.get(&id).copied().unwrap_or(0);
        found.expect(shipped == gone, "stock-shipped", None, format!("{shelf}, in shipped orders {gone}"));
        found.expect(gone + held <= received, "oversold", None, format!("{shelf}, sold {}", gone + held));
    }
}

/// Units per product in orders of a status, as the shop ordered them.
fn units(facts: &Facts, counts: impl Fn(OrderStatus) -> bool) -> BTreeMap<Uuid, i64> {
    let status: BTreeMap<Uuid, OrderStatus> = facts.orders.iter().map(|order| (order.order_id, order.status)).collect();
    let mut units = BTreeMap::new();
    for accepted in facts.history.accepted.values() {
        if status.get(&accepted.order_id).is_some_and(|&status| counts(status)) {
            for &(product, quantity) in &accepted.wanted.items {
                *units.entry(product).or_default() += i64::from(quantity);
            }
        }
    }
    units
}
