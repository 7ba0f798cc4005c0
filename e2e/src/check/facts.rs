//! The facts that the rules check.

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

/// All facts.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Requests of the shop and their answers.
    pub history: History,
    /// The list of orders.
    pub orders: Vec<OrderSummary>,
    /// Orders read from every service: all of them, or a sample.
    pub details: BTreeMap<Uuid, Detail>,
    pub products: Vec<Product>,
    /// Ledger of the sandbox's payment provider.
    pub provider: Vec<LedgerEntry>,
    /// Ledger of the sandbox's carrier.
    pub carrier: Vec<LedgerEntry>,
    /// Facts about a system that no other client has used.
    pub whole: Option<Whole>,
}

/// An order read from every service.
#[derive(Debug, Clone)]
pub struct Detail {
    pub order: Order,
    pub history: Vec<Transition>,
    pub payment: Option<Payment>,
    pub reservations: Vec<Reservation>,
    pub shipment: Option<Shipment>,
    pub notifications: Vec<Notification>,
}

/// Facts about the system as a whole.
#[derive(Debug, Clone, Default)]
pub struct Whole {
    pub dashboard: Option<Dashboard>,
    /// Outbox messages, parked records and dead letters.
    pub leftovers: ByService,
}

impl Facts {
    /// The provider's ledger by order.
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

    /// The carrier's ledger by order.
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

    /// The orders with a status.
    pub fn with_status(&self, status: OrderStatus) -> impl Iterator<Item = &OrderSummary> {
        self.orders.iter().filter(move |order| order.status == status)
    }
}

/// Charges and refunds of an order at the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    pub charges: Vec<Money>,
    pub refunds: Vec<Money>,
    pub strange: Vec<String>,
}

impl Account {
    /// Total of the charges, in hundredths.
    pub fn charged(&self) -> i64 {
        self.charges.iter().map(|amount| amount.minor()).sum()
    }

    /// Total of the refunds, in hundredths.
    pub fn refunded(&self) -> i64 {
        self.refunds.iter().map(|amount| amount.minor()).sum()
    }
}

/// Number of operations for an order at the carrier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parcel {
    pub booked: u32,
    pub cancelled: u32,
    pub picked_up: u32,
    pub delivered: u32,
    pub strange: Vec<String>,
}
