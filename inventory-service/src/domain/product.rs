//! A product and its stock: each unit is available, reserved or shipped.

use chrono::{DateTime, Utc};
use events::{Availability, Currency, Money, ProductChanged, Timestamp};
use saga::Consequences;
use sea_orm::{DeriveActiveEnum, EnumIter, sea_query::StringLen};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    ExpectedVersion, StockRules,
    rows::{Movement, Product, Stock},
};

/// Why stock has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, ToSchema)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MovementKind {
    /// Goods were delivered to the warehouse.
    Delivery,
    /// The stock was counted again.
    Correction,
    /// Reserved for an order: available → reserved.
    Reserved,
    /// Released by an order: reserved → available.
    Released,
    /// Shipped with an order: reserved → shipped.
    Shipped,
}

/// Why an operator changes stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AdjustmentReason {
    Delivery,
    Correction,
}

/// Creates a product, or changes its SKU, name and price.
#[derive(Debug)]
pub struct PutProduct {
    pub product_id: Uuid,
    pub sku: String,
    pub name: String,
    pub price: Money,
    pub currency: Currency,
    /// Refused with [`StockRefusal::Changed`] unless the product is at this version.
    pub expected: ExpectedVersion,
}

/// Adds units to the stock (positive) or removes them (negative).
#[derive(Debug)]
pub struct AdjustStock {
    pub product_id: Uuid,
    pub quantity: i64,
    pub reason: AdjustmentReason,
    pub note: Option<String>,
}

#[derive(Debug, PartialEq)]
pub enum StockRefusal {
    NoSuchProduct,
    /// The product has changed; this is its version, if there is one.
    Changed(Option<i64>),
    /// The product is sold in this currency.
    CurrencyFixed(Currency),
    /// Another product has this SKU.
    SkuTaken,
    /// The change needs more units than are available; this is their number.
    NotEnough(i64),
    /// The product would have more than `MAX_UNITS`.
    TooMany,
}

/// A product as callers see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Product)]
pub struct ProductView {
    pub product_id: Uuid,
    pub sku: String,
    pub name: String,
    /// Decimal string with two digits.
    #[schema(value_type = String, example = "29.95")]
    pub price: Money,
    #[schema(value_type = String, example = "EUR")]
    pub currency: Currency,
    /// Units an order can still reserve.
    pub available: i64,
    /// Units reserved for orders.
    pub reserved: i64,
    /// Units that were shipped.
    pub shipped: i64,
    /// Rises when sku, name or price change; also the `ETag`.
    pub version: i64,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// No product has more units than this: sums of a few never overflow.
const MAX_UNITS: i64 = 1_000_000_000_000;

impl Stock {
    pub fn put(
        &mut self,
        command: &PutProduct,
        rules: &StockRules,
        out: &mut Consequences,
    ) -> Result<ProductView, StockRefusal> {
        let before = self.products.get(&command.product_id);
        let version = before.map(|product| product.version);
        let currency = before.map(Product::currency);
        if !command.expected.allows(version) {
            return Err(StockRefusal::Changed(version));
        }
        if let Some(fixed) = currency.filter(|currency| *currency != command.currency) {
            return Err(StockRefusal::CurrencyFixed(fixed));
        }
        if self.products.iter().any(|other| other.sku == command.sku && other.id != command.product_id) {
            return Err(StockRefusal::SkuTaken);
        }
        if version.is_none() {
            self.products.insert(Product::new(command, out.now()));
        }
        let product = self.products.get_mut(&command.product_id).expect("it exists now");
        let price_minor = command.price.minor();
        let same = (&product.sku, &product.name, product.price_minor) == (&command.sku, &command.name, price_minor);
        if !same {
            product.sku.clone_from(&command.sku);
            product.name.clone_from(&command.name);
            product.price_minor = price_minor;
            product.updated_at = out.now();
        }
        if !same || version.is_none() {
            product.version += 1;
            product.publish(rules, out);
        }
        Ok(product.view())
    }

    pub fn adjust(
        &mut self,
        command: &AdjustStock,
        rules: &StockRules,
        out: &mut Consequences,
    ) -> Result<ProductView, StockRefusal> {
        let product = self.products.get(&command.product_id).ok_or(StockRefusal::NoSuchProduct)?;
        match product.available.checked_add(command.quantity) {
            Some(available) if available < 0 => return Err(StockRefusal::NotEnough(product.available)),
            Some(available) if available <= MAX_UNITS => {}
            _ => return Err(StockRefusal::TooMany),
        }
        let product = self.products.get_mut(&command.product_id).expect("looked up above");
        product.shift(command.quantity, 0, rules, out);
        let view = product.view();
        let kind = match command.reason {
            AdjustmentReason::Delivery => MovementKind::Delivery,
            AdjustmentReason::Correction => MovementKind::Correction,
        };
        self.record(command.product_id, kind, command.quantity, None, command.note.clone(), out);
        Ok(view)
    }

    /// From available to reserved, or (negative) back.
    pub(super) fn move_units(
        &mut self,
        product: Uuid,
        kind: MovementKind,
        units: i64,
        order: Uuid,
        rules: &StockRules,
        out: &mut Consequences,
    ) {
        let row = self.products.get_mut(&product).expect("a reserved product exists");
        row.shift(-units, units, rules, out);
        self.record(product, kind, units.abs(), Some(order), None, out);
    }

    /// From reserved to shipped.
    pub(super) fn ship_units(&mut self, product: Uuid, units: i64, order: Uuid, out: &mut Consequences) {
        let row = self.products.get_mut(&product).expect("a reserved product exists");
        row.reserved -= units;
        row.shipped += units;
        row.updated_at = out.now();
        self.record(product, MovementKind::Shipped, units, Some(order), None, out);
    }

    fn record(
        &mut self,
        product_id: Uuid,
        kind: MovementKind,
        quantity: i64,
        order_id: Option<Uuid>,
        note: Option<String>,
        out: &mut Consequences,
    ) {
        let (id, at) = (out.new_id(), out.now());
        self.movements.insert(Movement { id, product_id, at, kind, quantity, order_id, note });
    }
}

impl Product {
    fn new(command: &PutProduct, at: DateTime<Utc>) -> Self {
        Self {
            id: command.product_id,
            sku: command.sku.clone(),
            name: command.name.clone(),
            price_minor: command.price.minor(),
            currency: command.currency.as_str().to_owned(),
            available: 0,
            reserved: 0,
            shipped: 0,
            version: 0,
            sequence: 0,
            updated_at: at,
        }
    }

    /// Changes what is available and reserved, and publishes a change of the level.
    fn shift(&mut self, available: i64, reserved: i64, rules: &StockRules, out: &mut Consequences) {
        let before = self.availability(rules);
        self.available += available;
        self.reserved += reserved;
        self.updated_at = out.now();
        if self.availability(rules) != before {
            self.publish(rules, out);
        }
    }

    fn availability(&self, rules: &StockRules) -> Availability {
        match self.available {
            ..=0 => Availability::Out,
            units if units <= rules.low_stock => Availability::Low,
            _ => Availability::In,
        }
    }

    fn publish(&mut self, rules: &StockRules, out: &mut Consequences) {
        let changed = ProductChanged {
            product_id: self.id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            price: Money::from_minor(self.price_minor),
            currency: self.currency(),
            availability: self.availability(rules),
            version: self.version,
        };
        out.publish_for(self.id, &mut self.sequence, &changed);
    }

    fn currency(&self) -> Currency {
        Currency::parse(&self.currency).expect("stored from a Currency")
    }

    pub fn view(&self) -> ProductView {
        ProductView {
            product_id: self.id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            price: Money::from_minor(self.price_minor),
            currency: self.currency(),
            available: self.available,
            reserved: self.reserved,
            shipped: self.shipped,
            version: self.version,
            updated_at: self.updated_at.into(),
        }
    }
}
