//! What comes in. Names of events and reminders are stored and sent: never rename.

use derive_more::From;
use saga::Outcome;
use serde::Deserialize;

use crate::domain::{
    News, OrderCancelled, OrderCreated, OrderShipped, OrderStatusChanged, PaymentRefunded, Resend, SetPreferences,
    Status,
};
use crate::effects::Notify;

/// Everything that comes in. Names of events are stored and sent: never rename.
#[derive(Debug, Deserialize, From)]
pub enum Input {
    // events
    #[serde(rename = "OrderCreated.v1")]
    OrderCreated(OrderCreated),
    #[serde(rename = "OrderConfirmed.v1")]
    OrderConfirmed,
    #[serde(rename = "OrderShipped.v1")]
    OrderShipped(OrderShipped),
    #[serde(rename = "OrderDelivered.v1")]
    OrderDelivered,
    #[serde(rename = "OrderCancelled.v1")]
    OrderCancelled(OrderCancelled),
    #[serde(rename = "PaymentRefunded.v1")]
    PaymentRefunded(PaymentRefunded),
    #[serde(rename = "OrderStatusChanged.v1")]
    OrderStatusChanged(OrderStatusChanged),
    // outcomes
    #[serde(skip)]
    #[from]
    Notified(Outcome<Notify>),
    // commands
    #[serde(skip)]
    #[from]
    Resend(Resend),
    #[serde(skip)]
    #[from]
    SetPreferences(SetPreferences),
}

impl Input {
    /// The notification that follows from it, if any.
    pub fn news(&self) -> Option<News<'_>> {
        match self {
            Self::OrderConfirmed => Some(News::Confirmed),
            Self::OrderShipped(event) => Some(News::Shipped(event)),
            Self::OrderDelivered => Some(News::Delivered),
            Self::OrderCancelled(event) => Some(News::Cancelled(event)),
            Self::PaymentRefunded(event) => Some(News::Refunded(event)),
            Self::OrderStatusChanged(event) if event.status == Status::Failed => Some(News::Failed(event)),
            _ => None,
        }
    }
}
