//! The body of a new order, and the checks that need no catalogue.

use events::{Currency, Money, PaymentDetails, Personal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Checks, FieldError};

use crate::domain::{PlaceOrder, RequestedItem};

/// A new order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOrder {
    /// The customer; optional with a customer's token.
    pub customer_id: Option<Uuid>,
    #[schema(example = "EUR", min_length = 3, max_length = 3)]
    pub currency: String,
    pub customer: Customer,
    pub shipping_address: Address,
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<NewItem>,
    pub payment: Payment,
}

/// Name and contact data of the customer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    #[schema(value_type = String, example = "Ada Lovelace", max_length = 200)]
    pub name: Personal<String>,
    #[schema(value_type = String, example = "ada@example.org")]
    pub email: Personal<String>,
    #[schema(value_type = Option<String>, example = "+441234567890")]
    pub phone: Option<Personal<String>>,
    /// The language of messages; default `en`.
    #[schema(example = "en")]
    pub language: Option<String>,
}

/// The shipping address.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Address {
    #[schema(value_type = String, example = "1 Main St", max_length = 200)]
    pub line1: Personal<String>,
    #[schema(value_type = Option<String>, max_length = 200)]
    pub line2: Option<Personal<String>>,
    #[schema(value_type = String, example = "London", max_length = 100)]
    pub city: Personal<String>,
    #[schema(value_type = Option<String>, max_length = 100)]
    pub region: Option<Personal<String>>,
    #[schema(value_type = String, example = "N1 1AA", max_length = 20)]
    pub postal_code: Personal<String>,
    #[schema(value_type = String, example = "GB", min_length = 2, max_length = 2)]
    pub country: Personal<String>,
}

/// Product, quantity, and the price shown to the customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewItem {
    pub product_id: Uuid,
    #[schema(minimum = 1, maximum = 10_000)]
    pub quantity: i64,
    #[schema(value_type = String, example = "29.95")]
    pub price: Money,
}

/// The payment method.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    #[schema(example = "card", max_length = 50)]
    pub method: String,
    /// The payment provider's token; never card data.
    #[schema(value_type = String, example = "tok_ok", max_length = 255)]
    pub token: Personal<String>,
}

const MAX_ITEMS: usize = 100;
const MAX_UNITS: i64 = 10_000;
const MIN_PRICE: Money = Money::from_minor(1);
const MAX_PRICE: Money = Money::from_minor(100_000_000);

impl NewOrder {
    /// All violations that need no catalogue.
    pub fn check(&self) -> Checks {
        let Self { customer, shipping_address: address, items, payment, .. } = self;
        let mut checks = Checks::new();
        checks
            .that(self.customer_id.is_some(), "customerId", "missing", "is required")
            .that(
                self.currency().is_some(),
                "currency",
                "unsupported_currency",
                "must be the ISO 4217 code of a currency with two decimals",
            )
            .text("customer.name", &customer.name, 1..=200)
            .email("customer.email", &customer.email)
            .text("shippingAddress.line1", &address.line1, 1..=200)
            .optional_text("shippingAddress.line2", optional(address.line2.as_ref()), 0..=200)
            .text("shippingAddress.city", &address.city, 1..=100)
            .optional_text("shippingAddress.region", optional(address.region.as_ref()), 0..=100)
            .text("shippingAddress.postalCode", &address.postal_code, 1..=20)
            .country("shippingAddress.country", &address.country)
            .text("payment.method", &payment.method, 1..=50)
            .text("payment.token", &payment.token, 1..=255)
            .that((1..=MAX_ITEMS).contains(&items.len()), "items", "out_of_range", "must have between 1 and 100 items");
        if let Some(phone) = &customer.phone {
            checks.phone("customer.phone", phone);
        }
        if let Some(language) = &customer.language {
            checks.language("customer.language", language);
        }
        for (index, item) in items.iter().enumerate().take(MAX_ITEMS) {
            let wrong = |field, range| {
                FieldError::new(format!("items[{index}].{field}"), "out_of_range", format!("must be between {range}"))
            };
            checks
                .that_or((1..=MAX_UNITS).contains(&item.quantity), || wrong("quantity", "1 and 10000"))
                .that_or((MIN_PRICE..=MAX_PRICE).contains(&item.price), || wrong("price", "0.01 and 1000000.00"));
        }
        checks
    }

    pub fn currency(&self) -> Option<Currency> {
        Currency::parse(&self.currency)
    }

    /// The items, valid or not.
    pub fn requested(&self) -> Vec<RequestedItem> {
        let requested = |item: &NewItem| RequestedItem {
            product_id: item.product_id,
            quantity: u32::try_from(item.quantity).unwrap_or_default(),
            price: item.price,
        };
        self.items.iter().map(requested).take(MAX_ITEMS).collect()
    }

    /// The command; `None` unless the checks passed.
    pub fn command(self, order_id: Uuid) -> Option<PlaceOrder> {
        let items = self.requested();
        Some(PlaceOrder {
            order_id,
            customer_id: self.customer_id?,
            currency: self.currency()?,
            customer: events::Customer {
                name: self.customer.name,
                email: self.customer.email,
                phone: self.customer.phone,
                language: self.customer.language.unwrap_or_else(|| "en".to_owned()),
            },
            shipping_address: self.shipping_address.into(),
            items,
            payment: PaymentDetails { method: self.payment.method, token: self.payment.token },
        })
    }
}

fn optional(text: Option<&Personal<String>>) -> Option<&str> {
    text.map(|text| text.as_str())
}

impl From<Address> for events::Address {
    fn from(it: Address) -> Self {
        let Address { line1, line2, city, region, postal_code, country } = it;
        Self { line1, line2, city, region, postal_code, country }
    }
}
