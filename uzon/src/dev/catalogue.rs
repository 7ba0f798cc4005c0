//! The demonstration catalogue, created at the first start.

use std::time::Duration;

use bus::Follower;
use events::{Currency, Money, choreography, service, topic};
use futures_util::future::try_join_all;
use host::System;
use inventory_service::domain::{
    AdjustStock, AdjustmentReason, ExpectedVersion, PutProduct, StockRefusal, rows::product,
};
use saga::{App, IdempotentRequest, Rejected};
use sea_orm::EntityTrait;
use telemetry::Trace;
use uuid::Uuid;

use crate::Failure;

/// A product of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Demo {
    pub id: Uuid,
    pub sku: &'static str,
    pub name: &'static str,
    pub price: Money,
    pub currency: &'static str,
    pub units: i64,
}

const fn demo(
    number: u128,
    sku: &'static str,
    name: &'static str,
    cents: i64,
    currency: &'static str,
    units: i64,
) -> Demo {
    // The ids are the same in every installation, so that examples can use them.
    let id = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + number);
    Demo { id, sku, name, price: Money::from_minor(cents), currency, units }
}

/// The last product has no stock. It is created last, so its presence marks the catalogue as
/// complete.
#[expect(clippy::inconsistent_digit_grouping, reason = "euros_cents")]
pub const CATALOGUE: [Demo; 24] = [
    demo(1, "TEAPOT", "Teapot", 29_95, "EUR", 10_000),
    demo(2, "MUG-BLUE", "Mug, blue", 8_50, "EUR", 10_000),
    demo(3, "MUG-WHITE", "Mug, white", 8_50, "EUR", 10_000),
    demo(4, "KETTLE", "Kettle, 1.7 litres", 49_90, "EUR", 2_000),
    demo(5, "TEA-ASSAM", "Assam, 250 g", 11_20, "EUR", 5_000),
    demo(6, "TEA-SENCHA", "Sencha, 100 g", 14_80, "EUR", 5_000),
    demo(7, "TEA-EARL-GREY", "Earl Grey, 250 g", 12_40, "EUR", 5_000),
    demo(8, "COFFEE-BEANS", "Coffee beans, 1 kg", 21_90, "EUR", 5_000),
    demo(9, "COFFEE-GRINDER", "Coffee grinder", 89_00, "EUR", 400),
    demo(10, "FRENCH-PRESS", "French press, 1 litre", 34_50, "EUR", 800),
    demo(11, "ESPRESSO-CUPS", "Espresso cups, set of six", 27_00, "EUR", 900),
    demo(12, "BREAD-KNIFE", "Bread knife", 39_95, "EUR", 600),
    demo(13, "CUTTING-BOARD", "Cutting board, oak", 24_90, "EUR", 700),
    demo(14, "APRON", "Apron, linen", 32_00, "EUR", 500),
    demo(15, "TEA-TOWELS", "Tea towels, set of three", 15_60, "EUR", 1_500),
    demo(16, "HONEY", "Blossom honey, 500 g", 9_80, "EUR", 2_500),
    demo(17, "JAM-APRICOT", "Apricot jam, 340 g", 5_40, "EUR", 2_500),
    demo(18, "TABLE-LAMP", "Table lamp", 119_00, "EUR", 150),
    demo(19, "ARMCHAIR", "Armchair, walnut", 899_00, "EUR", 40),
    demo(20, "SHORTBREAD", "Shortbread, 400 g", 6_75, "GBP", 3_000),
    demo(21, "UMBRELLA", "Umbrella", 45_00, "GBP", 300),
    demo(22, "MAPLE-SYRUP", "Maple syrup, 250 ml", 13_99, "USD", 1_200),
    demo(23, "SAMOVAR", "Samovar, brass", 349_00, "EUR", 5),
    demo(24, "PORCELAIN-SET", "Porcelain set, hand-painted", 480_00, "EUR", 0),
];

/// Longest wait for other services to learn of the products. The start continues afterwards.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// Fills an empty inventory. Safe to interrupt: the next start repeats products and deliveries
/// without effect.
pub(super) async fn fill(system: &System) -> Result<(), Failure> {
    let Some(app) = system.app(service::INVENTORY) else { return Ok(()) };
    let (seal, products) = CATALOGUE.split_last().expect("there are products");
    let sealed = product::Entity::find_by_id(seal.id).one(app.db()).await;
    if sealed.map_err(|error| Failure::Unavailable(format!("the inventory cannot be read: {error}")))?.is_some() {
        return Ok(());
    }
    let follower = app.follow(&[topic::CATALOG]).await;
    let mut follower = follower.map_err(|error| Failure::Unavailable(error.to_string()))?;
    try_join_all(products.iter().map(|product| put(app, product))).await?;
    put(app, seal).await?;
    let known = async {
        published(&mut *follower, seal).await;
        caught_up(system).await;
    };
    if tokio::time::timeout(WAIT_TIMEOUT, known).await.is_err() {
        tracing::warn!("not every service knows the catalogue yet: orders may be refused for a moment");
    }
    Ok(())
}

async fn put(app: &App, demo: &Demo) -> Result<(), Failure> {
    let currency = Currency::parse(demo.currency).expect("the demonstration's currencies are supported");
    let (sku, name) = (demo.sku.to_owned(), demo.name.to_owned());
    let expected = ExpectedVersion::Any;
    let trace = Trace::new();
    let command = PutProduct { product_id: demo.id, sku, name, price: demo.price, currency, expected };
    app.execute(command, trace).await.map_err(|refused| failed(demo, &refused))?;
    if demo.units == 0 {
        return Ok(());
    }
    let (reason, note) = (AdjustmentReason::Delivery, Some("demonstration catalogue".to_owned()));
    let stock = AdjustStock { product_id: demo.id, quantity: demo.units, reason, note };
    let once = IdempotentRequest { key: format!("uzon dev|stock:{}", demo.id), hash: [0; 32] };
    app.execute_once(stock, once, trace).await.map_err(|refused| failed(demo, &refused))?;
    Ok(())
}

fn failed(demo: &Demo, refused: &Rejected<StockRefusal>) -> Failure {
    Failure::Refused(format!("the demonstration catalogue cannot be created: {}: {refused:?}", demo.sku))
}

/// Waits until the `ProductChanged` of this product is published. Those of the earlier products are
/// published before it.
async fn published(follower: &mut dyn Follower, demo: &Demo) {
    let key = demo.id.to_string();
    while let Ok(records) = follower.next().await {
        if records.iter().any(|record| *record.message.key == *key.as_bytes()) {
            return;
        }
    }
}

/// Waits until the services that keep a copy of the catalogue have consumed it.
async fn caught_up(system: &System) {
    let topics = [topic::CATALOG.into()];
    for name in system.services.iter().map(|running| running.app.name()) {
        if !choreography::heard_by(name).iter().any(|(topic, _)| *topic == topic::CATALOG) {
            continue;
        }
        let group = system.group(name);
        while let Ok(lag) = system.bus.lag(&group, &topics).await {
            if lag.iter().all(|partition| partition.records == 0) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_catalogue_has_unique_products_and_ends_with_its_seal() {
        let ids: BTreeSet<_> = CATALOGUE.iter().map(|product| product.id).collect();
        let skus: BTreeSet<_> = CATALOGUE.iter().map(|product| product.sku).collect();
        assert_eq!((ids.len(), skus.len()), (CATALOGUE.len(), CATALOGUE.len()));
        assert_eq!(CATALOGUE[0].id.to_string(), "01920000-0000-7000-8000-000000000001");
        assert_eq!(CATALOGUE.iter().position(|product| product.units == 0), Some(CATALOGUE.len() - 1));
        assert!(CATALOGUE.iter().any(|product| product.units == 5));
        assert!(CATALOGUE.iter().all(|product| Currency::parse(product.currency).is_some()));
    }
}
