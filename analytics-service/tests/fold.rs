//! The fold: how events change the rows, in any order and with repeats.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

use std::collections::BTreeMap;

use analytics_service::{
    domain::{
        Bucket, Counts, Facts, Figures, Sales, Work,
        events::{
            Item, OrderCancelled, OrderCreated, PaymentFailed, PaymentProcessed, PaymentRefunded, ProductChanged,
        },
    },
    inputs::Input,
    saga::Analytics,
};
use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use events::{Currency, Money, OrderEndReason};
use proptest::{prelude::*, sample::select};
use saga::{Consequences, Delivery, InputSource, Participant, Verdict};
use telemetry::Trace;
use uuid::Uuid;

const ORDER: Uuid = Uuid::from_u128(1);
const TEAPOT: Uuid = Uuid::from_u128(0x7ea);

/// The time at which the events start: the last second of a day.
fn midnight() -> DateTime<Utc> {
    "2026-01-23T23:59:59Z".parse().unwrap()
}

#[derive(Debug, Clone)]
struct TestEvent {
    order: Uuid,
    after_ms: i64,
    input: Input,
}

fn event(after_ms: i64, input: Input) -> TestEvent {
    TestEvent { order: ORDER, after_ms, input }
}

fn react(work: &mut Work, it: &TestEvent) -> Verdict {
    let (clock, _) = Clock::manual(midnight(), 1);
    let id = clock.new_id();
    let delivery = Delivery {
        id,
        source: InputSource::Event,
        key: it.order,
        cause: Some(id),
        at: midnight() + TimeDelta::milliseconds(it.after_ms),
        sequence: 1,
        trace: Trace::default(),
        input: it.input.clone(),
    };
    let mut out = Consequences::new("analytics-service", clock);
    let verdict = Analytics.react(work, &delivery, out.of(&delivery));
    assert!(out.published().is_empty(), "analytics publishes nothing");
    verdict
}

fn fold<'a>(events: impl IntoIterator<Item = &'a TestEvent>) -> Work {
    let mut work = Work::default();
    for event in events {
        let verdict = react(&mut work, event);
        assert!(matches!(verdict, Verdict::Done | Verdict::Ignored(_)), "{event:?}: {verdict:?}");
    }
    work
}

fn created(product: Uuid, quantity: u32, cents: i64) -> Input {
    let item = Item { product_id: product, quantity, price: Money::from_minor(cents) };
    Input::OrderCreated(OrderCreated { currency: Currency::EUR, items: vec![item.clone(), item] })
}

fn charged(cents: i64) -> Input {
    Input::PaymentProcessed(PaymentProcessed { amount: Money::from_minor(cents) })
}

fn refunded(cents: i64) -> Input {
    Input::PaymentRefunded(PaymentRefunded { refunded_total: Money::from_minor(cents) })
}

fn cancelled(reason: OrderEndReason) -> Input {
    Input::OrderCancelled(OrderCancelled { reason })
}

fn declined() -> Input {
    Input::PaymentFailed(PaymentFailed { reason: OrderEndReason::CardDeclined })
}

fn delivered_order() -> Vec<TestEvent> {
    vec![
        event(0, created(TEAPOT, 1, 2_995)),
        event(5, Input::InventoryReserved),
        event(9, charged(5_990)),
        event(12, Input::OrderConfirmed),
        event(2_000, Input::OrderShipped),
        event(12_000, Input::OrderDelivered),
    ]
}

/// The figures per bucket of one length, without empty rows.
fn figures(work: &Work, bucket: Bucket) -> BTreeMap<DateTime<Utc>, Figures> {
    let rows = work.figures.iter().filter(|row| row.bucket == bucket && row.figures.0 != Figures::default());
    rows.map(|row| (row.at, row.figures.0.clone())).collect()
}

fn sales(work: &Work) -> BTreeMap<(Bucket, DateTime<Utc>, i16), Sales> {
    let rows = work.sales.iter().filter(|row| !row.sales.is_empty());
    rows.map(|row| ((row.bucket, row.at, row.shard), row.sales.0.clone())).collect()
}

fn facts(work: &Work) -> BTreeMap<Uuid, Facts> {
    work.orders.iter().map(|row| (row.order_id, row.facts.0.clone())).collect()
}

fn assert_same(a: &Work, b: &Work) {
    assert_eq!(facts(a), facts(b));
    for bucket in Bucket::ALL {
        assert_eq!(figures(a, bucket), figures(b, bucket));
    }
    assert_eq!(sales(a), sales(b));
}

#[test]
fn an_order_counts_for_the_minute_it_was_placed_in() {
    let work = fold(&delivered_order());
    for (bucket, at) in [
        (Bucket::Minute, "2026-01-23T23:59:00Z"),
        (Bucket::Hour, "2026-01-23T23:00:00Z"),
        (Bucket::Day, "2026-01-23T00:00:00Z"),
    ] {
        let rows = figures(&work, bucket);
        let (only, it) = rows.first_key_value().unwrap();
        assert_eq!(
            (rows.len(), *only),
            (1, at.parse().unwrap()),
            "delivered on the next day, counted on the day of placing"
        );
        let reached = Counts { placed: 1, reserved: 1, confirmed: 1, shipped: 1, delivered: 1, ..Counts::default() };
        assert_eq!((it.counts, it.counts.open()), (reached, 0));
        let revenue = it.revenue[&Currency::EUR];
        assert_eq!((revenue.orders, revenue.charged, revenue.net(), revenue.average()), (1, 5_990, 5_990, 5_990));
        assert_eq!((it.to_confirmed.percentile(50), it.to_delivered.percentile(99) / 1000), (12, 12));
    }
    let sold = sales(&work).into_values().next().unwrap().ranked();
    assert_eq!(
        sold.iter().map(|(id, _, sold)| (*id, sold.units, sold.revenue)).collect::<Vec<_>>(),
        [(TEAPOT, 2, 5_990)]
    );
}

#[test]
fn facts_that_arrive_before_their_order_count_when_it_arrives() {
    let mut events = delivered_order();
    let order = events.remove(0);
    let mut work = fold(&events);
    assert!(figures(&work, Bucket::Minute).is_empty());
    assert!(matches!(react(&mut work, &order), Verdict::Done));
    assert_same(&work, &fold(&delivered_order()));
}

#[test]
fn a_cancellation_overrides_a_failed_payment() {
    let mut events = vec![event(0, created(TEAPOT, 1, 100)), event(5, declined())];
    let failed = fold(&events);
    let it = &figures(&failed, Bucket::Day)[&"2026-01-23T00:00:00Z".parse().unwrap()];
    assert_eq!((it.counts.failed, it.counts.cancelled, it.reasons[&OrderEndReason::CardDeclined]), (1, 0, 1));
    events.push(event(9, cancelled(OrderEndReason::CustomerRequest)));
    let cancelled = fold(&events);
    let it = &figures(&cancelled, Bucket::Day)[&"2026-01-23T00:00:00Z".parse().unwrap()];
    assert_eq!((it.counts.failed, it.counts.cancelled, it.counts.open()), (0, 1, 0));
    assert_eq!(it.reasons, [(OrderEndReason::CustomerRequest, 1)].into());
}

#[test]
fn a_cancelled_order_sells_nothing_and_is_refunded() {
    let mut events = delivered_order();
    events.truncate(4);
    assert!(!sales(&fold(&events)).is_empty());
    events.extend([event(20, cancelled(OrderEndReason::ShipmentFailed)), event(21, refunded(5_990))]);
    let work = fold(&events);
    assert!(sales(&work).is_empty());
    let rows = figures(&work, Bucket::Hour);
    assert_eq!(rows.values().next().unwrap().revenue[&Currency::EUR].net(), 0);
}

#[test]
fn refunds_carry_the_running_total() {
    let mut events = delivered_order();
    events.extend([event(20_000, refunded(3_000)), event(19_000, refunded(1_000))]);
    let rows = figures(&fold(&events), Bucket::Minute);
    assert_eq!(rows.values().next().unwrap().revenue[&Currency::EUR].refunded, 3_000);
}

#[test]
fn the_newest_name_of_a_product_stays() {
    let name = |version, name: &str| event(0, Input::ProductChanged(ProductChanged { name: name.into(), version }));
    for versions in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
        let work = fold(&versions.map(|version| name(version, &format!("Teapot {version}"))));
        assert_eq!(work.products.get(&ORDER).unwrap().name, "Teapot 3");
    }
}

/// Any event, also in combinations that never happen: two orders with the same id, shipped before placed, charged
/// twice.
fn any_event() -> impl Strategy<Value = TestEvent> {
    let input = prop_oneof![
        (1_u128..40, 1_u32..5, 1_i64..10_000).prop_map(|(product, units, cents)| created(
            Uuid::from_u128(product),
            units,
            cents
        )),
        Just(Input::InventoryReserved),
        Just(Input::OrderConfirmed),
        Just(Input::OrderShipped),
        Just(Input::OrderDelivered),
        Just(declined()),
        (1_i64..10_000).prop_map(charged),
        (1_i64..10_000).prop_map(refunded),
        select(OrderEndReason::ALL).prop_map(cancelled),
    ];
    (1_u128..4, 0_i64..200_000, input).prop_map(|(order, after_ms, input)| TestEvent {
        order: Uuid::from_u128(order),
        after_ms,
        input,
    })
}

/// Events, and the same events shuffled with repeats.
fn repeated() -> impl Strategy<Value = (Vec<TestEvent>, Vec<TestEvent>)> {
    prop::collection::vec((any_event(), 1_usize..3), 0..25).prop_flat_map(|events| {
        let once = events.iter().map(|(event, _)| event.clone()).collect::<Vec<_>>();
        let again: Vec<_> = events.into_iter().flat_map(|(event, times)| vec![event; times]).collect();
        (Just(once), Just(again).prop_shuffle())
    })
}

proptest! {
    #[test]
    fn neither_order_nor_repeats_matter((once, again) in repeated()) {
        assert_same(&fold(&once), &fold(&again));
    }

    #[test]
    fn a_recalculation_gives_the_same_figures((events, _) in repeated()) {
        let work = fold(&events);
        for bucket in Bucket::ALL {
            let mut recalculated = BTreeMap::<_, Figures>::new();
            for order in work.orders.iter() {
                if let Some(placed) = &order.facts.placed {
                    recalculated.entry(bucket.start(placed.at)).or_default().add(&Figures::of(&order.facts), 1);
                }
            }
            prop_assert_eq!(&recalculated, &figures(&work, bucket));
            let units = |sales: &Sales| sales.ranked().iter().map(|(_, _, sold)| sold.units).sum::<i64>();
            let sold: i64 = work.orders.iter().filter_map(|order| order.facts.sold()).flat_map(|it| &it.items).map(|it| it.units).sum();
            prop_assert_eq!(sales(&work).iter().filter(|(key, _)| key.0 == bucket).map(|(_, it)| units(it)).sum::<i64>(), sold);
        }
    }

    #[test]
    fn every_order_is_open_or_ended_once((events, _) in repeated()) {
        for it in figures(&fold(&events), Bucket::Day).values() {
            let ended = it.counts.delivered + it.counts.cancelled + it.counts.failed;
            prop_assert!(it.counts.open() >= 0 && ended <= it.counts.placed);
            prop_assert_eq!(it.reasons.values().sum::<i64>(), it.counts.cancelled + it.counts.failed);
        }
    }

    #[test]
    fn rows_are_read_as_they_were_written((events, _) in repeated()) {
        let work = fold(&events);
        for it in work.figures.iter() {
            prop_assert_eq!(&serde_json::from_str::<Figures>(&serde_json::to_string(&it.figures).unwrap()).unwrap(), &it.figures.0);
        }
        for it in work.sales.iter() {
            prop_assert_eq!(&serde_json::from_str::<Sales>(&serde_json::to_string(&it.sales).unwrap()).unwrap(), &it.sales.0);
        }
        for it in work.orders.iter() {
            prop_assert_eq!(&serde_json::from_str::<Facts>(&serde_json::to_string(&it.facts).unwrap()).unwrap(), &it.facts.0);
        }
    }
}
