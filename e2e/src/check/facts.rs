//! What is known when nothing moves any more.

use std::collections::BTreeMap;

use events::{Money, OrderStatus};
use uuid::Uuid;

use super::leftovers::ByService;
use crate::{
    model::{
        Dashboard, LedgerEntry, Notification, Order, OrderSummary, Payment, Product, Reservation, Shipment, Transition,
    },
    shop::History,
};

/// Everything the rules look at.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What the shop did and was promised.
    pub history: History,
    /// The orders as listed.
    pub orders: Vec<OrderSummary>,
    /// Orders looked at closely: all of them, or a sample.
    pub details: BTreeMap<Uuid, Detail>,
    pub products: Vec<Product>,
    /// What the payment provider believes happened.
    pub provider: Vec<LedgerEntry>,
    /// What the carrier believes happened.
    pub carrier: Vec<LedgerEntry>,
    /// What is only known of a system that was used by nobody else.
    pub whole: Option<Whole>,
}

/// An order looked at from every service.
#[derive(Debug, Clone)]
pub struct Detail {
    pub order: Order,
    pub history: Vec<Transition>,
    pub payment: Option<Payment>,
    pub reservations: Vec<Reservation>,
    pub shipment: Option<Shipment>,
    pub notifications: Vec<Notification>,
}

/// What can only be said of the system as a whole.
#[derive(Debug, Clone, Default)]
pub struct Whole {
    pub dashboard: Option<Dashboard>,
    /// What services' own tables hold and should not keep.
    pub leftovers: ByService,
}

impl Facts {
    /// What the provider believes happened to an order.
    pub fn account(&self) -> BTreeMap<Uuid, Account> {
        let mut accounts = BTreeMap::<Uuid, Account>::new();
        for entry in &self.provider {
            let account = accounts.entry(entry.order_id).or_default();
            let amount = entry.amount.unwrap_or_default();
            match entry.operation.as_str() {
                "CHARGE" => account.charges.push(amount),
                "REFUND" => account.refunds.push(amount),
                other => account.strange.push(other.to_owned()),
            }
        }
        accounts
    }

    /// What the carrier believes happened to an order.
    pub fn parcels(&self) -> BTreeMap<Uuid, Parcel> {
        let mut parcels = BTreeMap::<Uuid, Parcel>::new();
        for entry in &self.carrier {
            let parcel = parcels.entry(entry.order_id).or_default();
            match entry.operation.as_str() {
                "BOOK" => parcel.booked += 1,
                "CANCEL" => parcel.cancelled += 1,
                "PICK_UP" => parcel.picked_up += 1,
                "DELIVER" => parcel.delivered += 1,
                other => parcel.strange.push(other.to_owned()),
            }
        }
        parcels
    }

    /// The orders that arrived somewhere.
    pub fn with_status(&self, status: OrderStatus) -> impl Iterator<Item = &OrderSummary> {
        self.orders.iter().filter(move |order| order.status == status)
    }
}

/// An order's money at the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    pub charges: Vec<Money>,
    pub refunds: Vec<Money>,
    pub strange: Vec<String>,
}

impl Account {
    /// In hundredths.
    pub fn charged(&self) -> i64 {
        self.charges.iter().map(|amount| amount.minor()).sum()
    }

    /// In hundredths.
    pub fn refunded(&self) -> i64 {
        self.refunds.iter().map(|amount| amount.minor()).sum()
    }
}

/// An order's parcel at the carrier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parcel {
    pub booked: u32,
    pub cancelled: u32,
    pub picked_up: u32,
    pub delivered: u32,
    pub strange: Vec<String>,
}
