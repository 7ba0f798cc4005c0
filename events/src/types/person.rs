use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Personal;

/// Whom the order belongs to, and how to reach them. Travels in `OrderCreated` only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// Full name.
    pub name: Personal<String>,
    /// E-mail address.
    pub email: Personal<String>,
    /// Phone number in international form, such as `+441234567890`.
    pub phone: Option<Personal<String>>,
    /// Language of messages, such as `en`.
    pub language: String,
}

/// Who takes the parcel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recipient {
    /// Full name, as on the label.
    pub name: Personal<String>,
    /// For the driver, in international form.
    pub phone: Option<Personal<String>>,
}

/// Where the parcel goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// Street and number.
    pub line1: Personal<String>,
    /// Flat, floor, company.
    pub line2: Option<Personal<String>>,
    /// Town.
    pub city: Personal<String>,
    /// State or province, where addresses have one.
    pub region: Option<Personal<String>>,
    /// Postal code.
    pub postal_code: Personal<String>,
    /// ISO 3166-1 code of the country, such as `GB`.
    pub country: Personal<String>,
}
