//! The message after the start: addresses and an example.

use std::{
    fmt::Write,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use events::{Money, service};
use host::System;
use inventory_service::domain::rows::product::{Column, Entity, Model};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use settings::environment;
use uuid::Uuid;

use super::CATALOGUE;
use crate::output;

/// A product to order with its current price: an order with another price is refused.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    pub product_id: Uuid,
    pub sku: String,
    pub name: String,
    pub price: Money,
    pub currency: String,
}

/// The product with the most units.
pub(super) async fn example(system: &System) -> Example {
    let found = match system.app(service::INVENTORY) {
        Some(app) => {
            let query = Entity::find().filter(Column::Available.gt(0)).order_by_desc(Column::Available);
            query.order_by_asc(Column::Id).one(app.db()).await.ok().flatten()
        }
        None => None,
    };
    found.map_or_else(Example::of_the_demonstration, Example::from)
}

impl Example {
    pub fn of_the_demonstration() -> Self {
        let [demo, ..] = CATALOGUE;
        let (sku, name, currency) = (demo.sku.to_owned(), demo.name.to_owned(), demo.currency.to_owned());
        Self { product_id: demo.id, sku, name, price: demo.price, currency }
    }

    /// The body of an order.
    pub fn order(&self) -> String {
        let Self { product_id, price, currency, .. } = self;
        format!(
            r#"{{ "customerId": "01920000-0000-7000-8000-00000000c001", "currency": "{currency}",
  "customer": {{ "name": "Ada Lovelace", "email": "ada@example.org" }},
  "shippingAddress": {{ "line1": "1 Main St", "city": "London", "postalCode": "N1 1AA", "country": "GB" }},
  "items": [ {{ "productId": "{product_id}", "quantity": 1, "price": "{price}" }} ],
  "payment": {{ "method": "card", "token": "tok_ok" }} }}"#
        )
    }

    /// A shell command that places a new order each time it runs.
    pub fn curl(&self, address: SocketAddr) -> String {
        format!(
            "curl {}/api/v1/orders \\\n  -H 'Content-Type: application/json' -H \"Idempotency-Key: $(date +%s%N)\" \\\n  -d '{}'",
            url(address),
            self.order()
        )
    }
}

impl From<Model> for Example {
    fn from(row: Model) -> Self {
        let Model { id, sku, name, price_minor, currency, .. } = row;
        // The SKU becomes part of a shell command: only a SKU without special characters is used.
        let harmless = sku.starts_with(|c: char| c.is_ascii_alphanumeric())
            && sku.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        let sku = if harmless { sku } else { id.to_string() };
        Self { product_id: id, sku, name: output::plain(&name), price: Money::from_minor(price_minor), currency }
    }
}

/// The address for a browser on this machine.
pub(crate) fn url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    format!("http://{address}")
}

/// Addresses and their meaning, also for the page at `/`.
pub(crate) const PLACES: [(&str, &str); 7] = [
    ("/", "start page"),
    ("/docs", "API documents, to read and to try"),
    ("/api/v1/analytics/dashboard", "dashboard, as JSON"),
    ("/api/v1/notifications", "messages to customers"),
    ("/sandbox/payment-provider/ledger", "the ledger of the sandbox's payment provider"),
    ("/health", "state of each part"),
    ("/metrics", "Prometheus metrics"),
];

pub(super) fn print(address: SocketAddr, data: &Path, example: &Example) {
    let (url, data) = (url(address), data.display());
    // Repeats the command line of this start, because `uzon` may not be in the path.
    let uzon = if environment().any(|(name, _)| name == "CARGO") { "cargo run -q --" } else { "uzon" };
    let at = match address.port() {
        8080 if address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) => String::new(),
        _ => format!(" --url {url}"),
    };
    let mut text = format!("Uzon {} is ready; its data is in {data}\n\n", env!("CARGO_PKG_VERSION"));
    for (path, meaning) in PLACES {
        let _ = writeln!(text, "  {:<60} {meaning}", format!("{url}{path}"));
    }
    let _ = write!(
        text,
        "\nPlace an order and watch it ({}, {} {}):\n\n  {uzon} order place{at} --product {} --watch\n\nor with curl:\n\n{}\n\nCtrl-C ends it.",
        example.name,
        example.price,
        example.currency,
        example.sku,
        example.curl(address)
    );
    output::line(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_an_order() {
        let example = Example::of_the_demonstration();
        let order: serde_json::Value = serde_json::from_str(&example.order()).unwrap();
        assert_eq!(order["items"][0]["price"], "29.95");
        let curl = example.curl("127.0.0.1:8080".parse().unwrap());
        assert!(curl.starts_with("curl http://127.0.0.1:8080/api/v1/orders "), "{curl}");
    }

    #[test]
    fn what_is_pasted_into_a_shell_is_harmless() {
        let row = |sku: &str| Model {
            id: uuid::Uuid::nil(),
            sku: sku.to_owned(),
            name: "Tea\u{7}pot".to_owned(),
            price_minor: 1,
            currency: "EUR".to_owned(),
            available: 1,
            reserved: 0,
            shipped: 0,
            version: 1,
            sequence: 1,
            updated_at: chrono::DateTime::UNIX_EPOCH,
        };
        assert_eq!(Example::from(row("TEA-POT_1.5")).sku, "TEA-POT_1.5");
        for sku in ["; rm -rf ~", "$(id)", "--url", "a b", ""] {
            assert_eq!(Example::from(row(sku)).sku, uuid::Uuid::nil().to_string(), "{sku}");
        }
        assert_eq!(Example::from(row("X")).name, "Tea pot");
    }

    #[test]
    fn a_browser_needs_an_address_that_can_be_reached() {
        assert_eq!(url("0.0.0.0:80".parse().unwrap()), "http://127.0.0.1:80");
        assert_eq!(url("[::1]:80".parse().unwrap()), "http://[::1]:80");
    }
}
