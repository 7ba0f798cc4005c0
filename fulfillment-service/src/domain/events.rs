//! The consumed events, with the fields that this service uses.

use events::{Address, Recipient};
use serde::Deserialize;
use uuid::Uuid;

use super::shipment::{Line, Parcel};

/// The customer and the label of the parcel.
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
