//! What is known about one order. Each fact is set from its event, and merges with itself: a repeat
//! changes nothing, and of two that differ the same one wins whichever comes first.

use events::{Currency, OrderEndReason};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::{OrderCancelled, OrderCreated, PaymentFailed, PaymentProcessed, PaymentRefunded};

/// Milliseconds since 1970: all that event times are made of, in half the bytes of a date.
pub type Millis = i64;

/// One order's facts, in any order of arrival: they may be there before the order itself. Names are short in the
/// database: there is a row for every order, and it is written several times.
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
    /// Of all units together.
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

    /// How it ended, if it has. A cancellation is the arbiter's word and outdoes all else.
    pub fn end(&self) -> Option<End> {
        match self {
            Self { cancelled: Some((_, reason)), .. } => Some(End::Cancelled(*reason)),
            Self { failed: Some((_, reason)), .. } => Some(End::Failed(*reason)),
            Self { delivered: Some(_), .. } => Some(End::Delivered),
            _ => None,
        }
    }

    /// What it sold: everything, once it is paid and as long as it is not cancelled.
    pub fn sold(&self) -> Option<&Placed> {
        self.placed.as_ref().filter(|_| self.charged.is_some() && self.cancelled.is_none())
    }
}

fn earliest<T: PartialOrd>(fact: &mut Option<T>, told: T) {
    if fact.as_ref().is_none_or(|known| told < *known) {
        *fact = Some(told);
    }
}
