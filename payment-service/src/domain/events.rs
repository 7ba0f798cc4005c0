//! What is read from others' events.

use events::{Currency, Money, Personal};
use serde::Deserialize;

/// Of `OrderCreated`, what is needed to charge it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCreated {
    pub currency: Currency,
    pub total_amount: Money,
    pub payment: PaymentDetails,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PaymentDetails {
    pub method: String,
    pub token: Personal<String>,
}
