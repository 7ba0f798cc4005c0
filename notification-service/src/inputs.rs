//! The inputs of this service.

use derive_more::From;
use saga::Outcome;
use serde::Deserialize;

use crate::domain::{
    CustomerNotification, Notify, OrderCancelled, OrderCreated, OrderShipped, OrderStatusChanged, PaymentRefunded,
    Resend, SetPreferences, Status,
};

/// An input of any source. Names of events are stored and sent: never rename.
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
    /// The notification that the input causes, if any.
    pub fn notification(&self) -> Option<CustomerNotification<'_>> {
        match self {
            Self::OrderConfirmed => Some(CustomerNotification::Confirmed),
            Self::OrderShipped(event) => Some(CustomerNotification::Shipped(event)),
            Self::OrderDelivered => Some(CustomerNotification::Delivered),
            Self::OrderCancelled(event) => Some(CustomerNotification::Cancelled(event)),
            Self::PaymentRefunded(event) => Some(CustomerNotification::Refunded(event)),
            Self::OrderStatusChanged(event) if event.status == Status::Failed => {
                Some(CustomerNotification::Failed(event))
            }
            _ => None,
        }
    }
}
