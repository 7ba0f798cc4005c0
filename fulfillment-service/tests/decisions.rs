//! Every input in every state, as in the choreography's model.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

mod support;

use chrono::TimeDelta;
use fulfillment_service::domain::{
    AskCarrier, Book, BookAnswer, CancelAnswer, CancelBooking, CarrierUpdate, Progress, QueryBooking, TrackShipment,
    UpdateRefusal,
};
use saga::{CallResult, InputSource, decode};
use support::{Fulfillment, ORDER, booking, confirmed, fulfillment, name, now};
use testkit::Ended;
use uuid::Uuid;

/// The inputs.
const INPUTS: &[&str] = &[
    "OrderConfirmed",
    "OrderCancellationRequested",
    "OrderCancelled",
    "booked",
    "refused",
    "no answer",
    "found",
    "found refused",
    "not found",
    "cancelled",
    "too late",
    "picked up",
    "delivered",
    "still here",
    "AskCarrier",
];

/// State, input, next state, and consequences: published events and requests to the carrier. A combination that is
/// not listed changes nothing and has no consequences.
#[rustfmt::skip]
const TABLE: &[(&str, &str, &str, &str)] = &[
    ("NONE",           "OrderConfirmed",             "BOOKING",        "Book"),
    ("NONE",           "OrderCancellationRequested", "CANCELLED",      "ShipmentCancelled"),
    ("NONE",           "OrderCancelled",             "CANCELLED",      ""),

    ("BOOKING",        "OrderCancellationRequested", "BOOKING_CANCEL", ""),
    ("BOOKING",        "booked",                     "BOOKED",         ""),
    ("BOOKING",        "refused",                    "FAILED",         "ShipmentFailed"),
    ("BOOKING",        "no answer",                  "UNKNOWN",        "QueryBooking"),
    ("BOOKING",        "found",                      "BOOKED",         ""),
    ("BOOKING",        "found refused",              "FAILED",         "ShipmentFailed"),
    ("BOOKING",        "not found",                  "BOOKING",        "Book"),

    ("BOOKING_CANCEL", "booked",                     "CANCELLING",     "CancelBooking"),
    ("BOOKING_CANCEL", "refused",                    "FAILED",         "ShipmentFailed"),
    ("BOOKING_CANCEL", "no answer",                  "UNKNOWN_CANCEL", "QueryBooking"),
    ("BOOKING_CANCEL", "found",                      "CANCELLING",     "CancelBooking"),
    ("BOOKING_CANCEL", "found refused",              "FAILED",         "ShipmentFailed"),
    ("BOOKING_CANCEL", "not found",                  "BOOKING_CANCEL", "Book"),

    ("UNKNOWN",        "OrderCancellationRequested", "UNKNOWN_CANCEL", ""),
    ("UNKNOWN",        "booked",                     "BOOKED",         ""),
    ("UNKNOWN",        "refused",                    "FAILED",         "ShipmentFailed"),
    ("UNKNOWN",        "no answer",                  "UNKNOWN",        "QueryBooking"),
    ("UNKNOWN",        "found",                      "BOOKED",         ""),
    ("UNKNOWN",        "found refused",              "FAILED",         "ShipmentFailed"),
    ("UNKNOWN",        "not found",                  "BOOKING",        "Book"),

    ("UNKNOWN_CANCEL", "booked",                     "CANCELLING",     "CancelBooking"),
    ("UNKNOWN_CANCEL", "refused",                    "FAILED",         "ShipmentFailed"),
    ("UNKNOWN_CANCEL", "no answer",                  "UNKNOWN_CANCEL", "QueryBooking"),
    ("UNKNOWN_CANCEL", "found",                      "CANCELLING",     "CancelBooking"),
    ("UNKNOWN_CANCEL", "found refused",              "FAILED",         "ShipmentFailed"),
    ("UNKNOWN_CANCEL", "not found",                  "BOOKING_CANCEL", "Book"),

    ("BOOKED",         "OrderCancellationRequested", "CANCELLING",     "CancelBooking"),
    ("BOOKED",         "picked up",                  "SHIPPED",        "OrderShipped"),
    ("BOOKED",         "delivered",                  "DELIVERED",      "OrderShipped OrderDelivered"),
    ("BOOKED",         "AskCarrier",                 "BOOKED",         "TrackShipment"),

    ("CANCELLING",     "cancelled",                  "CANCELLED",      "ShipmentCancelled"),
    ("CANCELLING",     "too late",                   "SHIPPED",        "OrderShipped ShipmentCancellationRefused"),
    ("CANCELLING",     "picked up",                  "SHIPPED",        "OrderShipped ShipmentCancellationRefused"),
    ("CANCELLING",     "delivered",                  "DELIVERED",      "OrderShipped ShipmentCancellationRefused OrderDelivered"),
    ("CANCELLING",     "AskCarrier",                 "CANCELLING",     "TrackShipment"),

    ("SHIPPED",        "OrderCancellationRequested", "SHIPPED",        "ShipmentCancellationRefused"),
    ("SHIPPED",        "delivered",                  "DELIVERED",      "OrderDelivered"),
    ("SHIPPED",        "AskCarrier",                 "SHIPPED",        "TrackShipment"),

    ("DELIVERED",      "OrderCancellationRequested", "DELIVERED",      "ShipmentCancellationRefused"),
];

/// The shortest path into each state.
const PATHS: &[(&str, &[&str])] = &[
    ("NONE", &[]),
    ("BOOKING", &["OrderConfirmed"]),
    ("BOOKING_CANCEL", &["OrderConfirmed", "OrderCancellationRequested"]),
    ("UNKNOWN", &["OrderConfirmed", "no answer"]),
    ("UNKNOWN_CANCEL", &["OrderConfirmed", "no answer", "OrderCancellationRequested"]),
    ("BOOKED", &["OrderConfirmed", "booked"]),
    ("CANCELLING", &["OrderConfirmed", "booked", "OrderCancellationRequested"]),
    ("SHIPPED", &["OrderConfirmed", "booked", "picked up"]),
    ("DELIVERED", &["OrderConfirmed", "booked", "delivered"]),
    ("CANCELLED", &["OrderCancelled"]),
    ("CANCELLED", &["OrderCancellationRequested"]),
    ("CANCELLED", &["OrderConfirmed", "booked", "OrderCancellationRequested", "cancelled"]),
    ("FAILED", &["OrderConfirmed", "refused"]),
];

#[test]
fn every_input_in_every_state() {
    for (before, path) in PATHS {
        for input in INPUTS {
            let mut node = fulfillment();
            for (step, input) in path.iter().enumerate() {
                receive(&mut node, input, 100 + step as u128);
            }
            consequences(&mut node);
            let case = format!("{input} in {before} after {path:?}");
            assert_eq!(name(&node), *before, "{case}");

            let row = TABLE.iter().find(|row| (row.0, row.1) == (before, input));
            let (after, expected) = row.map_or((*before, ""), |row| (row.2, row.3));
            let shipment = node.work.shipments.get(&ORDER).cloned();
            receive(&mut node, input, 1);
            assert_eq!((name(&node), consequences(&mut node)), (after.to_owned(), expected.to_owned()), "{case}");
            if row.is_none() {
                assert_eq!(node.work.shipments.get(&ORDER), shipment.as_ref(), "{case}");
            }
        }
    }
}

/// The same event again, without an inbox.
#[test]
fn a_repeated_event_changes_nothing() {
    for (before, path) in PATHS {
        for input in INPUTS.iter().filter(|input| input.starts_with("Order")) {
            let mut node = fulfillment();
            for (step, input) in path.iter().enumerate() {
                receive(&mut node, input, 100 + step as u128);
            }
            receive(&mut node, input, 1);
            consequences(&mut node);
            let shipment = node.work.shipments.get(&ORDER).cloned();
            receive(&mut node, input, 1);
            assert_eq!(consequences(&mut node), "", "{input} twice in {before}");
            assert_eq!(node.work.shipments.get(&ORDER), shipment.as_ref(), "{input} twice in {before}");
        }
    }
}

/// A repeat of a cancellation request that was answered before gets no second answer.
#[test]
fn a_request_is_answered_once_whenever_it_is_repeated() {
    let mut node = fulfillment();
    for input in ["OrderConfirmed", "booked"] {
        receive(&mut node, input, 9);
    }
    receive(&mut node, "OrderCancellationRequested", 1);
    receive(&mut node, "too late", 0);
    consequences(&mut node);
    receive(&mut node, "OrderCancellationRequested", 1);
    assert_eq!(consequences(&mut node), "");
    receive(&mut node, "OrderCancellationRequested", 2);
    assert_eq!(consequences(&mut node), "ShipmentCancellationRefused");
}

#[test]
fn updates_are_refused_until_the_booking_is_answered() {
    let mut node = fulfillment();
    assert_eq!(node.command(update("SHIP-1", Progress::PickedUp)), Err(UpdateRefusal::NoSuchParcel));
    for input in ["OrderConfirmed", "no answer"] {
        receive(&mut node, input, 9);
        assert_eq!(node.command(update("SHIP-1", Progress::PickedUp)), Err(UpdateRefusal::TooEarly));
    }
    receive(&mut node, "found", 0);
    assert_eq!(node.command(update("SHIP-2", Progress::PickedUp)), Err(UpdateRefusal::NoSuchParcel));
    assert_eq!(node.command(update("SHIP-1", Progress::PickedUp)), Ok(()));
    assert_eq!(node.command(update("SHIP-1", Progress::PickedUp)), Ok(()));
    assert_eq!(node.published(), ["OrderShipped"]);
}

#[test]
fn events_carry_the_carriers_answers() {
    let mut node = fulfillment();
    for input in ["OrderConfirmed", "booked", "delivered"] {
        receive(&mut node, input, 9);
    }
    let published: Vec<serde_json::Value> =
        node.outbox.iter().map(|event| serde_json::from_slice(&event.message.value).unwrap()).collect();
    let shipment = node.work.shipments.get(&ORDER).unwrap();
    assert_eq!(published[0]["trackingNumber"], "SHIP-1");
    assert_eq!(published[0]["carrier"], "MockCarrier");
    assert_eq!(published[0]["shipmentId"], shipment.shipment_id.to_string());
    assert_eq!((&published[0]["sequence"], &published[1]["sequence"]), (&1.into(), &2.into()));
    assert_eq!(published[1]["deliveredAt"], events::Timestamp::from(now()).to_string());
}

#[test]
fn carrier_updates_continue_the_trace_of_the_order() {
    let mut node = fulfillment();
    let trace = telemetry::Trace::new();
    let input = decode("OrderConfirmed.v1", &serde_json::to_vec(&confirmed("N1 1AA")).unwrap()).unwrap().unwrap();
    node.decide(&saga::Delivery { trace, ..support::event(Uuid::from_u128(1), input) });
    receive(&mut node, "booked", 2);
    node.outbox.clear();
    send_update(&mut node, Progress::PickedUp);
    let header = node.outbox[0].message.header("traceparent").and_then(telemetry::Trace::parse).unwrap();
    assert_eq!(header.trace_id, trace.trace_id);
}

#[test]
fn names_and_addresses_are_kept_until_the_booking_is_answered() {
    let parcel = |node: &Fulfillment| node.work.shipments.get(&ORDER).unwrap().parcel.is_some();
    for (answer, kept) in [("no answer", true), ("not found", true), ("booked", false), ("refused", false)] {
        let mut node = fulfillment();
        receive(&mut node, "OrderConfirmed", 9);
        assert!(parcel(&node));
        receive(&mut node, answer, 0);
        assert_eq!(parcel(&node), kept, "{answer}");
    }
}

/// Every call about an order carries the key of its kind; the key of the booking never changes.
#[test]
fn keys_of_calls() {
    let mut node = fulfillment();
    receive(&mut node, "OrderConfirmed", 9);
    let keys = |node: &Fulfillment| node.effects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&node), [format!("book:{ORDER}")]);
    receive(&mut node, "no answer", 0);
    assert_eq!(keys(&node), [format!("find:{ORDER}")]);
    receive(&mut node, "not found", 0);
    assert_eq!(keys(&node), [format!("book:{ORDER}")]);
    receive(&mut node, "booked", 0);
    receive(&mut node, "AskCarrier", 0);
    receive(&mut node, "OrderCancellationRequested", 9);
    assert_eq!(keys(&node), [format!("cancel:{ORDER}"), format!("track:{ORDER}")]);
}

#[test]
fn a_carrier_without_updates_is_queried_with_growing_waits_until_the_delivery() {
    let mut node = fulfillment();
    for input in ["OrderConfirmed", "booked"] {
        receive(&mut node, input, 9);
    }
    let mut waits = vec![];
    for _ in 0..9 {
        let due = node.reminders.values().next().expect("a reminder is set").due;
        waits.push((due - now()).num_minutes());
        node.fire(ORDER, "AskCarrier");
        assert!(node.reminders.is_empty(), "never a reminder and a query at once");
        let asked = u32::try_from(waits.len()).unwrap() - 1;
        node.outcome(ORDER, TrackShipment { order_id: ORDER, asked }, CallResult::Answer(None));
    }
    assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 720, 720]);
    receive(&mut node, "delivered", 0);
    assert!(node.reminders.is_empty(), "no query after the delivery");
}

#[test]
fn a_lost_update_is_replaced_by_a_query() {
    let mut node = fulfillment();
    for input in ["OrderConfirmed", "booked"] {
        receive(&mut node, input, 9);
    }
    for (progress, event) in [
        (Progress::PickedUp, "OrderShipped"),
        (Progress::Delivered { at: now() + TimeDelta::hours(1) }, "OrderDelivered"),
    ] {
        node.fire(ORDER, "AskCarrier");
        node.outcome(ORDER, TrackShipment { order_id: ORDER, asked: 0 }, CallResult::Answer(Some(progress)));
        assert_eq!(node.published(), [event]);
    }
    assert!(node.reminders.is_empty());
}

fn update(tracking_number: &str, progress: Progress) -> CarrierUpdate {
    CarrierUpdate { order_id: ORDER, tracking_number: tracking_number.into(), progress }
}

/// Sends an update, which may be refused.
fn send_update(node: &mut Fulfillment, progress: Progress) {
    let _ = node.command(update("SHIP-1", progress));
}

/// Delivers the input by its source. `id`: of an event.
fn receive(node: &mut Fulfillment, input: &str, id: u128) {
    let book = || Book { order_id: ORDER, parcel: support::parcel() };
    let query = QueryBooking { order_id: ORDER };
    let cancel = CancelBooking { order_id: ORDER };
    let refused = || BookAnswer::Refused("too heavy".into());
    let ended = match input {
        "OrderConfirmed" => event(node, "OrderConfirmed.v1", &confirmed("N1 1AA"), id),
        "OrderCancellationRequested" | "OrderCancelled" => {
            event(node, &format!("{input}.v1"), &serde_json::json!({ "reason": "CUSTOMER_REQUEST" }), id)
        }
        "booked" => node.outcome(ORDER, book(), CallResult::Answer(BookAnswer::Booked(booking()))),
        "refused" => node.outcome(ORDER, book(), CallResult::Answer(refused())),
        "no answer" => node.outcome(ORDER, book(), CallResult::Unknown("no answer".into())),
        "found" => node.outcome(ORDER, query, CallResult::Answer(Some(BookAnswer::Booked(booking())))),
        "found refused" => node.outcome(ORDER, query, CallResult::Answer(Some(refused()))),
        "not found" => node.outcome(ORDER, query, CallResult::Answer(None)),
        "cancelled" => node.outcome(ORDER, cancel, CallResult::Answer(CancelAnswer::Cancelled)),
        "too late" => node.outcome(ORDER, cancel, CallResult::Answer(CancelAnswer::TooLate)),
        "still here" => node.outcome(ORDER, TrackShipment { order_id: ORDER, asked: 0 }, CallResult::Answer(None)),
        "picked up" => return send_update(node, Progress::PickedUp),
        "delivered" => return send_update(node, Progress::Delivered { at: now() }),
        "AskCarrier" => node.input(
            InputSource::Reminder,
            ORDER,
            fulfillment_service::inputs::Input::AskCarrier(AskCarrier { asked: 0 }),
        ),
        other => panic!("{other}?"),
    };
    assert!(matches!(ended, Ended::Done | Ended::Ignored(_)), "{input}: {ended:?}");
}

fn event(node: &mut Fulfillment, kind: &str, json: &serde_json::Value, id: u128) -> Ended {
    let input = decode(kind, json.to_string().as_bytes()).unwrap().unwrap();
    node.decide(&support::event(Uuid::from_u128(id), input))
}

/// The consequences since the last call.
fn consequences(node: &mut Fulfillment) -> String {
    let mut consequences = node.published();
    consequences.extend(node.asked().into_iter().map(str::to_owned));
    node.effects.clear();
    consequences.join(" ")
}
