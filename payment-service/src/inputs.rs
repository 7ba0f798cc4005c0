//! The inputs of this service.

use derive_more::From;
use saga::Outcome;
use serde::Deserialize;

use crate::domain::{Charge, CloseCharge, OrderCreated, QueryCharge, Refund, RefundPayment};

/// An input of any source. Names of events are sent: never rename.
#[derive(Debug, Deserialize, From)]
pub enum Input {
    // events
    #[serde(rename = "OrderCreated.v1")]
    OrderCreated(OrderCreated),
    #[serde(rename = "InventoryReserved.v1")]
    InventoryReserved,
    #[serde(rename = "OrderCancelled.v1")]
    OrderCancelled,
    #[serde(rename = "OrderShipped.v1")]
    OrderShipped,
    // outcomes
    #[serde(skip)]
    #[from]
    Charged(Outcome<Charge>),
    #[serde(skip)]
    #[from]
    Queried(Outcome<QueryCharge>),
    #[serde(skip)]
    #[from]
    Closed(Outcome<CloseCharge>),
    #[serde(skip)]
    #[from]
    Refunded(Outcome<Refund>),
    // commands
    #[serde(skip)]
    #[from]
    RefundPayment(RefundPayment),
}
