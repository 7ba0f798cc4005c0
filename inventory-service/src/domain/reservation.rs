//! An order's claim on stock: all of its items or none.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use events::{
    InventoryInsufficient, InventoryReleased, InventoryReserved, ReleaseReason, ReservationExpired, ReservedItem,
    Shortage,
};
use saga::{
    Consequences,
    Verdict::{self, Done, Ignored},
};
use sea_orm::{DeriveActiveEnum, EnumIter, sea_query::StringLen};
use serde::{Deserialize, Serialize};
use store::Json;
use uuid::Uuid;

use super::{
    Item, MovementKind, OrderCreated, ReservationDue, StockRules,
    rows::{Reservation, Stock},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, utoipa::ToSchema)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = ReservationStatus)]
pub enum State {
    /// Reserved until the order is confirmed; see `expiry_reported`.
    Reserved,
    /// Confirmed: reserved until the order is shipped.
    Committed,
    Shipped,
    /// The units are available again.
    Released,
    /// Not enough units were available.
    Refused,
    /// A tombstone: the order was cancelled before it arrived, so nothing will be reserved.
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub reservation_id: Uuid,
    pub product_id: Uuid,
    pub quantity: u32,
}

impl Stock {
    /// `OrderCreated`: all items or none.
    pub fn reserve(
        &mut self,
        order: Uuid,
        wanted: &OrderCreated,
        rules: &StockRules,
        out: &mut Consequences,
    ) -> Verdict {
        if self.reservations.get(&order).is_some() {
            return Ignored("the order is already decided or cancelled");
        }

        let missing = self.missing(&wanted.items);
        if !missing.is_empty() {
            let reservation = self.reservations.insert(Reservation::new(order, State::Refused, out.now()));
            out.publish(&mut reservation.sequence, &InventoryInsufficient { missing });
            return Done;
        }

        let mut lines = vec![];
        for &Item { product_id, quantity } in &wanted.items {
            self.move_units(product_id, MovementKind::Reserved, i64::from(quantity), order, rules, out);
            lines.push(Line { reservation_id: out.new_id(), product_id, quantity });
        }
        let expires_at = out.now() + rules.hold_for;
        let reservation = self.reservations.insert(Reservation::new(order, State::Reserved, out.now()));
        let reservations = lines.iter().map(Line::reserved_item).collect();
        reservation.lines = Json(lines);
        reservation.expires_at = Some(expires_at);
        out.remind_at(expires_at, &ReservationDue);
        out.publish(&mut reservation.sequence, &InventoryReserved { reservations, expires_at: expires_at.into() });
        Done
    }

    /// `OrderConfirmed`: the reservation no longer expires.
    pub fn commit(&mut self, order: Uuid, out: &mut Consequences) -> Verdict {
        match self.reservations.get(&order).map(|it| it.state) {
            Some(State::Reserved) => {}
            _ => return Ignored("no reservation awaits confirmation"),
        }
        let reservation = self.reservations.get_mut(&order).expect("looked up above");
        reservation.state = State::Committed;
        reservation.expires_at = None;
        out.cancel_reminder::<ReservationDue>();
        Done
    }

    /// `OrderShipped`: the reserved units are shipped. `OrderConfirmed` may arrive later; it is then ignored.
    pub fn ship(&mut self, order: Uuid, out: &mut Consequences) -> Verdict {
        let Some(before) = self.live(order) else {
            return Ignored("the order holds no stock");
        };
        let reservation = self.reservations.get_mut(&order).expect("looked up above");
        reservation.state = State::Shipped;
        reservation.expires_at = None;
        for line in reservation.lines.clone().0 {
            self.ship_units(line.product_id, i64::from(line.quantity), order, out);
        }
        if before == State::Reserved {
            out.cancel_reminder::<ReservationDue>();
        }
        Done
    }

    /// `ReservationDue`: publishes `ReservationExpired` once and keeps the stock. Only the order service ends an order.
    pub fn expire(&mut self, order: Uuid, out: &mut Consequences) -> Verdict {
        let Some(reservation) = self.reservations.get(&order) else {
            return Ignored("there is no reservation");
        };
        let Some(expires_at) = reservation.expires_at.filter(|_| reservation.state == State::Reserved) else {
            return Ignored("the reservation is already confirmed or released");
        };
        if reservation.expiry_reported {
            return Ignored("the expiry is already reported");
        }
        let reservation = self.reservations.get_mut(&order).expect("looked up above");
        reservation.expiry_reported = true;
        out.publish(&mut reservation.sequence, &ReservationExpired { expires_at: expires_at.into() });
        Done
    }

    /// Releases the units of the order. A cancellation that arrives before the order leaves a tombstone.
    pub fn release(
        &mut self,
        order: Uuid,
        reason: ReleaseReason,
        rules: &StockRules,
        out: &mut Consequences,
    ) -> Verdict {
        if self.reservations.get(&order).is_none() {
            if reason == ReleaseReason::OrderCancelled {
                self.reservations.insert(Reservation::new(order, State::Cancelled, out.now()));
                return Done;
            }
            return Ignored("nothing was reserved");
        }
        let Some(before) = self.live(order) else {
            return Ignored("the order holds no stock");
        };
        let reservation = self.reservations.get_mut(&order).expect("looked up above");
        reservation.state = State::Released;
        reservation.expires_at = None;
        out.publish(&mut reservation.sequence, &InventoryReleased { reason });
        for line in reservation.lines.clone().0 {
            self.move_units(line.product_id, MovementKind::Released, -i64::from(line.quantity), order, rules, out);
        }
        if before == State::Reserved {
            out.cancel_reminder::<ReservationDue>();
        }
        Done
    }

    /// The reservation's state, while it holds stock.
    fn live(&self, order: Uuid) -> Option<State> {
        let state = self.reservations.get(&order)?.state;
        matches!(state, State::Reserved | State::Committed).then_some(state)
    }

    /// The products with too few units. Several items may name the same product: their quantities add up.
    fn missing(&self, items: &[Item]) -> Vec<Shortage> {
        let mut demand: BTreeMap<Uuid, i64> = BTreeMap::new();
        for item in items {
            *demand.entry(item.product_id).or_default() += i64::from(item.quantity);
        }
        let shortage = |(product_id, requested): (Uuid, i64)| {
            let available = self.products.get(&product_id).map_or(0, |product| product.available);
            let units = |units: i64| u32::try_from(units).unwrap_or(u32::MAX);
            (available < requested).then(|| Shortage {
                product_id,
                requested: units(requested),
                available: units(available),
            })
        };
        demand.into_iter().filter_map(shortage).collect()
    }
}

impl Line {
    fn reserved_item(&self) -> ReservedItem {
        ReservedItem { product_id: self.product_id, quantity: self.quantity, reservation_id: self.reservation_id }
    }
}

impl Reservation {
    fn new(order_id: Uuid, state: State, at: DateTime<Utc>) -> Self {
        let (lines, sequence, seen, expires_at, expiry_reported) = Default::default();
        Self { order_id, state, lines, created_at: at, expires_at, expiry_reported, sequence, seen }
    }
}
