//! The facts of one order. Each event sets one fact. Setting is idempotent and commutative: a repeat changes nothing,
//! and of two different values the same one wins, whichever arrives first.

use events::{Currency, OrderEndReason};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::{OrderCancelled, OrderCreated, PaymentFailed, PaymentProcessed, PaymentRefunded};

/// Milliseconds since 1970: the precision of event times, in half the bytes of a date.
pub type Millis = i64;

/// The facts of one order. Facts may arrive before the order itself. Names are short in the database: there is a row
/// for every order, and it is written several times.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    pub placed: Option<Placed>,
    #[serde(rename = "r", skip_serializing_if = "Option::is_none")]
    pub reserved: Option<Millis>,
    #[serde(rename = "o", skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Millis>,
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    pub shipped: Option<Millis>,
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Millis>,
    #[serde(rename = "x", skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<(Millis, OrderEndReason)>,
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    pub failed: Option<(Millis, OrderEndReason)>,
    /// In hundredths of the order's currency, like every amount here.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    pub charged: Option<i64>,
    #[serde(rename = "b", skip_serializing_if = "Option::is_none")]
    pub refunded: Option<i64>,
}

/// The order itself.
#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Placed {
    #[serde(rename = "t")]
    pub at: Millis,
    #[serde(rename = "c")]
    pub currency: Currency,
    #[serde(rename = "i")]
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Item {
    #[serde(rename = "p")]
    pub product_id: Uuid,
    #[serde(rename = "n")]
    pub units: i64,
    /// Price of all units, in hundredths.
    #[serde(rename = "a")]
    pub total: i64,
}

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Delivered,
    Cancelled(OrderEndReason),
    Failed(OrderEndReason),
}

impl Facts {
    pub fn placed(&mut self, at: Millis, created: &OrderCreated) {
        let items = created.items.iter().map(|item| Item {
            product_id: item.product_id,
            units: item.quantity.into(),
            total: item.price.minor().saturating_mul(item.quantity.into()),
        });
        earliest(&mut self.placed, Placed { at, currency: created.currency, items: items.collect() });
    }

    pub fn reserved(&mut self, at: Millis) {
        earliest(&mut self.reserved, at);
    }

    pub fn confirmed(&mut self, at: Millis) {
        earliest(&mut self.confirmed, at);
    }

    pub fn shipped(&mut self, at: Millis) {
        earliest(&mut self.shipped, at);
    }

    pub fn delivered(&mut self, at: Millis) {
        earliest(&mut self.delivered, at);
    }

    pub fn cancelled(&mut self, at: Millis, cancelled: &OrderCancelled) {
        earliest(&mut self.cancelled, (at, cancelled.reason));
    }

    pub fn failed(&mut self, at: Millis, payment: &PaymentFailed) {
        earliest(&mut self.failed, (at, payment.reason));
    }

    pub fn charged(&mut self, payment: &PaymentProcessed) {
        self.charged = self.charged.max(Some(payment.amount.minor()));
    }

    /// Every refund carries the sum so far, so the largest is the latest.
    pub fn refunded(&mut self, refund: &PaymentRefunded) {
        self.refunded = self.refunded.max(Some(refund.refunded_total.minor()));
    }

    /// How the order ended; `None` while it is open. A cancellation is the decision of the arbiter and overrides all
    /// else.
    pub fn end(&self) -> Option<End> {
        match self {
            Self { cancelled: Some((_, reason)), .. } => Some(End::Cancelled(*reason)),
            Self { failed: Some((_, reason)), .. } => Some(End::Failed(*reason)),
            Self { delivered: Some(_), .. } => Some(End::Delivered),
            _ => None,
        }
    }

    /// What the order sold: all of its items if it is charged and not cancelled, else nothing.
    pub fn sold(&self) -> Option<&Placed> {
        self.placed.as_ref().filter(|_| self.charged.is_some() && self.cancelled.is_none())
    }
}

fn earliest<T: PartialOrd>(fact: &mut Option<T>, value: T) {
    if fact.as_ref().is_none_or(|known| value < *known) {
        *fact = Some(value);
    }
}
