//! What is read of others' events.

use events::{Address, Recipient};
use serde::Deserialize;
use uuid::Uuid;

use super::shipment::{Line, Parcel};

/// Of `OrderConfirmed`, what a parcel's label says, and whose it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderConfirmed {
    pub customer_id: Uuid,
    pub items: Vec<Line>,
    pub recipient: Recipient,
    pub shipping_address: Address,
}

impl OrderConfirmed {
    pub(super) fn parcel(&self) -> Parcel {
        Parcel { recipient: self.recipient.clone(), address: self.shipping_address.clone(), items: self.items.clone() }
    }
}
