use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Personal;

/// The customer of an order, and the customer's contact. Only `OrderCreated` carries it.
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

/// The recipient of a parcel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recipient {
    /// Full name, as printed on the label.
    pub name: Personal<String>,
    /// Phone number for the driver, in international form.
    pub phone: Option<Personal<String>>,
}

/// The destination of a parcel.
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
