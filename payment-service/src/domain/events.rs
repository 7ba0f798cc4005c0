//! The fields read from events of other services.

use events::{Currency, Money, Personal};
use serde::Deserialize;

/// `OrderCreated`, with the fields needed to charge the order.
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
