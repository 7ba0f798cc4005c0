//! Every event in every state, as in the choreography's model.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use chrono::{DateTime, TimeDelta};
use clock::Clock;
use events::choreography;
use inventory_service::{
    domain::{AdjustStock, AdjustmentReason, ExpectedVersion, PutProduct, State, StockRefusal, StockRules},
    saga::InventorySaga,
};
use rstest::rstest;
use serde_json::json;
use testkit::{Ended, Node};
use uuid::Uuid;

const TEAPOT: Uuid = Uuid::from_u128(1);
const CUP: Uuid = Uuid::from_u128(2);
const ORDER: Uuid = Uuid::from_u128(9);

type Inventory = Node<InventorySaga>;

fn given(teapots: i64, cups: i64) -> Inventory {
    let (clock, _) = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap(), 1);
    let saga = InventorySaga { rules: StockRules { hold_for: TimeDelta::minutes(15), low_stock: 1 } };
    let mut node = Node::new("inventory-service", saga, choreography::heard_by("inventory"), clock);
    for (product_id, sku, units) in [(TEAPOT, "TEA", teapots), (CUP, "CUP", cups)] {
        node.command(put(product_id, sku)).unwrap();
        if units > 0 {
            node.command(adjust(product_id, units)).unwrap();
        }
    }
    node.published();
    node
}
fn put(product_id: Uuid, sku: &str) -> PutProduct {
    let (price, currency) = ("29.95".parse().unwrap(), "EUR".parse().unwrap());
    PutProduct { product_id, sku: sku.into(), name: sku.into(), price, currency, expected: ExpectedVersion::Any }
}
fn adjust(product_id: Uuid, quantity: i64) -> AdjustStock {
    AdjustStock { product_id, quantity, reason: AdjustmentReason::Correction, note: None }
}
fn ordered(node: &mut Inventory, items: &[(Uuid, i64)]) -> Ended {
    let item = |(product, quantity): &(Uuid, i64)| json!({ "productId": product, "quantity": quantity });
    let items: Vec<_> = items.iter().map(item).collect();
    node.event(ORDER, "OrderCreated.v1", &json!({ "items": items }))
}
fn receive(node: &mut Inventory, event: &str) -> Ended {
    match event {
        "OrderCreated" => ordered(node, &[(TEAPOT, 2)]),
        other => node.event(ORDER, &format!("{other}.v1"), &json!({})),
    }
}
fn state(node: &Inventory) -> Option<State> {
    node.work.reservations.get(&ORDER).map(|it| it.state)
}
fn units(node: &Inventory, product: Uuid) -> (i64, i64, i64) {
    let product = node.work.products.get(&product).unwrap();
    (product.available, product.reserved, product.shipped)
}

/// A service whose reservation is in this state, reached with the fewest inputs.
fn in_state(name: &str) -> Inventory {
    let mut node = given(if name == "REFUSED" { 1 } else { 5 }, 1);
    match name {
        "NONE" => {}
        "TOMB" => drop(receive(&mut node, "OrderCancelled")),
        _ => drop(receive(&mut node, "OrderCreated")),
    }
    match name {
        "EXPIRING" => drop(node.fire(ORDER, "ReservationDue")),
        "COMMITTED" => drop(receive(&mut node, "OrderConfirmed")),
        "SHIPPED" => drop(receive(&mut node, "OrderShipped")),
        "RELEASED" => drop(receive(&mut node, "OrderCancelled")),
        _ => {}
    }
    node.published();
    node
}
fn name(node: &Inventory) -> &'static str {
    match state(node) {
        None => "NONE",
        Some(State::Reserved) if node.work.reservations.get(&ORDER).unwrap().expiry_reported => "EXPIRING",
        Some(State::Reserved) => "RESERVED",
        Some(State::Committed) => "COMMITTED",
        Some(State::Shipped) => "SHIPPED",
        Some(State::Released) => "RELEASED",
        Some(State::Refused) => "REFUSED",
        Some(State::Cancelled) => "TOMB",
    }
}

#[rstest]
#[case("NONE", "OrderCreated", "RESERVED", &["InventoryReserved"])]
#[case("NONE", "OrderConfirmed", "NONE", &[])]
#[case("NONE", "OrderShipped", "NONE", &[])]
#[case("NONE", "OrderCancelled", "TOMB", &[])]
#[case("NONE", "PaymentFailed", "NONE", &[])]
#[case("TOMB", "OrderCreated", "TOMB", &[])]
#[case("TOMB", "OrderCancelled", "TOMB", &[])]
#[case("RESERVED", "OrderCreated", "RESERVED", &[])]
#[case("RESERVED", "OrderConfirmed", "COMMITTED", &[])]
#[case("RESERVED", "OrderShipped", "SHIPPED", &[])]
#[case("RESERVED", "OrderCancelled", "RELEASED", &["InventoryReleased"])]
#[case("RESERVED", "PaymentFailed", "RELEASED", &["InventoryReleased"])]
#[case("EXPIRING", "OrderConfirmed", "COMMITTED", &[])]
#[case("EXPIRING", "OrderShipped", "SHIPPED", &[])]
#[case("EXPIRING", "OrderCancelled", "RELEASED", &["InventoryReleased"])]
#[case("EXPIRING", "PaymentFailed", "RELEASED", &["InventoryReleased"])]
#[case("COMMITTED", "OrderCreated", "COMMITTED", &[])]
#[case("COMMITTED", "OrderConfirmed", "COMMITTED", &[])]
#[case("COMMITTED", "OrderShipped", "SHIPPED", &[])]
#[case("COMMITTED", "OrderCancelled", "RELEASED", &["InventoryReleased"])]
#[case("COMMITTED", "PaymentFailed", "RELEASED", &["InventoryReleased"])]
#[case("SHIPPED", "OrderConfirmed", "SHIPPED", &[])]
#[case("SHIPPED", "OrderShipped", "SHIPPED", &[])]
#[case("SHIPPED", "OrderCancelled", "SHIPPED", &[])]
#[case("SHIPPED", "PaymentFailed", "SHIPPED", &[])]
#[case("RELEASED", "OrderCreated", "RELEASED", &[])]
#[case("RELEASED", "OrderConfirmed", "RELEASED", &[])]
#[case("RELEASED", "OrderShipped", "RELEASED", &[])]
#[case("RELEASED", "OrderCancelled", "RELEASED", &[])]
#[case("RELEASED", "PaymentFailed", "RELEASED", &[])]
#[case("REFUSED", "OrderCreated", "REFUSED", &[])]
#[case("REFUSED", "OrderCancelled", "REFUSED", &[])]
#[case("REFUSED", "PaymentFailed", "REFUSED", &[])]
fn reactions(#[case] before: &str, #[case] event: &str, #[case] after: &str, #[case] published: &[&str]) {
    let mut node = in_state(before);
    assert_eq!(name(&node), before);
    receive(&mut node, event);
    let events: Vec<String> = node.published().into_iter().filter(|it| it != "ProductChanged").collect();
    assert_eq!((name(&node), events), (after, published.iter().map(ToString::to_string).collect()));
    let product = node.work.products.get(&TEAPOT).unwrap();
    let total = if before == "REFUSED" { 1 } else { 5 };
    assert_eq!(product.available + product.reserved + product.shipped, total, "no unit is lost");
    let again = format!("{:?}", node.work);
    receive(&mut node, event);
    assert!(node.published().is_empty(), "a repeat publishes nothing");
    assert_eq!(format!("{:?}", node.work), again, "a repeat changes nothing");
}

#[test]
fn all_items_or_none() {
    let mut node = given(5, 1);
    ordered(&mut node, &[(TEAPOT, 2), (CUP, 1), (CUP, 1)]);
    assert_eq!((state(&node), node.published()), (Some(State::Refused), vec!["InventoryInsufficient".to_owned()]));
    assert_eq!((units(&node, TEAPOT), units(&node, CUP)), ((5, 0, 0), (1, 0, 0)));
}

#[test]
fn an_unknown_product_is_out_of_stock() {
    let mut node = given(5, 1);
    ordered(&mut node, &[(Uuid::from_u128(77), 1)]);
    assert_eq!(state(&node), Some(State::Refused));
}

#[test]
fn expiry_is_published_once_and_releases_nothing() {
    let mut node = in_state("RESERVED");
    node.fire(ORDER, "ReservationDue");
    assert_eq!((node.published(), units(&node, TEAPOT)), (vec!["ReservationExpired".to_owned()], (3, 2, 0)));
    assert!(node.reminders.is_empty());
}

#[rstest]
#[case("OrderConfirmed")]
#[case("OrderShipped")]
#[case("OrderCancelled")]
#[case("PaymentFailed")]
fn a_settled_reservation_does_not_expire(#[case] event: &str) {
    let mut node = in_state("RESERVED");
    receive(&mut node, event);
    assert!(node.reminders.is_empty());
}

#[test]
fn levels_are_published_only_when_they_change() {
    let mut node = given(5, 0);
    let sold = |node: &mut Inventory, order: u128, units: u32| {
        let items = json!({ "items": [{ "productId": TEAPOT, "quantity": units }] });
        node.event(Uuid::from_u128(order), "OrderCreated.v1", &items);
        node.published().iter().any(|it| it == "ProductChanged")
    };
    assert!(!sold(&mut node, 101, 3), "5 → 2 is still above the limit of 1");
    assert!(sold(&mut node, 102, 1), "2 → 1 is low");
    assert!(sold(&mut node, 103, 1), "1 → 0 is out");
    assert!(!sold(&mut node, 104, 1), "nothing was sold");
}

#[test]
fn stock_never_falls_below_zero() {
    let mut node = given(5, 0);
    ordered(&mut node, &[(TEAPOT, 2)]);
    assert_eq!(node.command(adjust(TEAPOT, -4)), Err(StockRefusal::NotEnough(3)));
    assert_eq!(node.command(adjust(TEAPOT, i64::MAX)), Err(StockRefusal::TooMany));
    assert_eq!(node.command(adjust(TEAPOT, -3)).unwrap().available, 0);
    assert_eq!(node.command(adjust(Uuid::from_u128(77), 1)), Err(StockRefusal::NoSuchProduct));
}

#[test]
fn a_products_currency_is_fixed_and_its_sku_unique() {
    let mut node = given(5, 0);
    let dollars = PutProduct { currency: "USD".parse().unwrap(), ..put(TEAPOT, "TEA") };
    assert_eq!(node.command(dollars), Err(StockRefusal::CurrencyFixed("EUR".parse().unwrap())));
    assert_eq!(node.command(put(CUP, "TEA")), Err(StockRefusal::SkuTaken));
    assert_eq!(node.command(put(TEAPOT, "TEA")).unwrap().version, 1, "nothing has changed");
    assert!(node.published().is_empty());
    assert_eq!(node.command(put(TEAPOT, "TEA-2")).unwrap().version, 2);
    assert_eq!(node.published(), ["ProductChanged"]);
}

#[rstest]
#[case(ExpectedVersion::Any, true)]
#[case(ExpectedVersion::Existing, true)]
#[case(ExpectedVersion::OneOf(vec![1]), true)]
#[case(ExpectedVersion::OneOf(vec![7, 1]), true)]
#[case(ExpectedVersion::OneOf(vec![7]), false)]
#[case(ExpectedVersion::OneOf(vec![]), false)]
fn a_change_of_another_version_is_refused(#[case] expected: ExpectedVersion, #[case] allowed: bool) {
    let mut node = given(5, 0);
    let renamed = PutProduct { name: "Pot".into(), expected: expected.clone(), ..put(TEAPOT, "TEA") };
    let answer = node.command(renamed).map(|product| product.version);
    assert_eq!(answer, if allowed { Ok(2) } else { Err(StockRefusal::Changed(Some(1))) });
    let absent = PutProduct { expected: expected.clone(), ..put(Uuid::from_u128(77), "NEW") };
    let answer = node.command(absent).map(|product| product.version);
    let creates = expected == ExpectedVersion::Any;
    assert_eq!(answer, if creates { Ok(1) } else { Err(StockRefusal::Changed(None)) });
}
