//! The inputs of this service.

use derive_more::From;
use serde::Deserialize;

use crate::domain::{AdjustStock, OrderCreated, PutProduct};

/// An input of any source. Names of events and reminders are stored and sent: never rename.
#[derive(Debug, Deserialize, From)]
pub enum Input {
    // events
    #[serde(rename = "OrderCreated.v1")]
    OrderCreated(OrderCreated),
    #[serde(rename = "OrderConfirmed.v1")]
    OrderConfirmed,
    #[serde(rename = "OrderShipped.v1")]
    OrderShipped,
    #[serde(rename = "OrderCancelled.v1")]
    OrderCancelled,
    #[serde(rename = "PaymentFailed.v1")]
    PaymentFailed,
    // reminders
    ReservationDue,
    // commands
    #[serde(skip)]
    #[from]
    PutProduct(PutProduct),
    #[serde(skip)]
    #[from]
    AdjustStock(AdjustStock),
}
