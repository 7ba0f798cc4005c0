//! Every input in every status, as in the choreography's model.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bus::Outgoing;
use chrono::{DateTime, TimeDelta};
use clock::Clock;
use events::{Money, OrderEndReason, OrderStatus, choreography};
use order_service::{
    domain::{
        CancelOrder, CancelRefusal, CancellationStep, OrderRules, PaymentStatus, PlaceOrder, RequestedItem,
        ShipmentStatus, rows::Order,
    },
    saga::OrderSaga,
    statuses::Statuses,
};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Ended, Node};
use uuid::Uuid;
use web::FieldError;

const TEAPOT: Uuid = Uuid::from_u128(1);
const CUP: Uuid = Uuid::from_u128(2);
const ORDER: Uuid = Uuid::from_u128(9);
const CUSTOMER: Uuid = Uuid::from_u128(5);

type Orders = Node<OrderSaga>;

fn given() -> Orders {
    let (clock, _) = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap(), 1);
    let saga = OrderSaga { rules: OrderRules { deadline: TimeDelta::minutes(30) }, statuses: Statuses::default() };
    let mut node = Node::new("order-service", saga, choreography::heard_by("order"), clock);
    for (id, name, price) in [(TEAPOT, "Teapot", "29.95"), (CUP, "Cup", "5.00")] {
        node.event(id, "ProductChanged.v1", &product(name, price, 1));
    }
    node
}
fn product(name: &str, price: &str, version: i64) -> Value {
    json!({ "name": name, "price": price, "currency": "EUR", "version": version })
}
fn place(items: &[(Uuid, u32, &str)]) -> PlaceOrder {
    let item = |&(product_id, quantity, price): &(Uuid, u32, &str)| RequestedItem {
        product_id,
        quantity,
        price: price.parse().unwrap(),
    };
    let customer =
        json!({ "name": "Ada Lovelace", "email": "ada@example.org", "phone": "+441234567890", "language": "en" });
    let address = json!({ "line1": "1 Main St", "city": "London", "postalCode": "N1 1AA", "country": "GB" });
    PlaceOrder {
        order_id: ORDER,
        customer_id: CUSTOMER,
        customer: serde_json::from_value(customer).unwrap(),
        shipping_address: serde_json::from_value(address).unwrap(),
        currency: "EUR".parse().unwrap(),
        items: items.iter().map(item).collect(),
        payment: serde_json::from_value(json!({ "method": "card", "token": "tok_ok" })).unwrap(),
    }
}
fn cancel(node: &mut Orders) -> Result<OrderStatus, CancelRefusal> {
    let command = CancelOrder { order_id: ORDER, of_customer: Some(CUSTOMER), note: Some("changed my mind".into()) };
    node.command(command).map(|reply| reply.status)
}
fn order(node: &Orders) -> &Order {
    node.work.orders.get(&ORDER).unwrap()
}
fn status(node: &Orders) -> &'static str {
    order(node).status.as_str()
}

/// Applies an input to the order, by its name: an event, the deadline, or a cancellation request.
fn apply(node: &mut Orders, input: &str) {
    let id = Uuid::from_u128;
    let body = match input {
        "OrderDeadline" => {
            let deadline = order_service::inputs::Input::OrderDeadline;
            return drop(node.input(saga::InputSource::Reminder, ORDER, deadline));
        }
        "CancelOrder" => {
            let _ = cancel(node);
            return;
        }
        "PaymentProcessed" => json!({ "paymentId": id(21), "amount": "64.90" }),
        "PaymentFailed" => json!({ "reason": "CARD_DECLINED", "amount": "64.90" }),
        "PaymentRefunded" => json!({ "paymentId": id(21), "refundedTotal": "64.90" }),
        "OrderShipped" => json!({ "shipmentId": id(31), "carrier": "MockCarrier", "trackingNumber": "SHIP-1",
            "estimatedDelivery": "2027-01-24T10:00:00Z" }),
        "OrderDelivered" => json!({ "shipmentId": id(31) }),
        _ => json!({}),
    };
    node.event(ORDER, &format!("{input}.v1"), &body);
}

/// Brings an order into this status with the fewest inputs.
fn in_state(name: &str) -> Orders {
    let inputs: &[&str] = match name {
        "PENDING" => &[],
        "RESERVED" => &["InventoryReserved"],
        "CONFIRMED" => &["PaymentProcessed"],
        "CANCELLING" => &["PaymentProcessed", "CancelOrder"],
        "SHIPPED" => &["PaymentProcessed", "OrderShipped"],
        "DELIVERED" => &["PaymentProcessed", "OrderShipped", "OrderDelivered"],
        "CANCELLED" => &["CancelOrder"],
        "FAILED" => &["PaymentFailed"],
        other => panic!("{other}"),
    };
    let mut node = given();
    node.command(place(&[(TEAPOT, 2, "29.95"), (CUP, 1, "5.00")])).unwrap();
    for input in inputs {
        apply(&mut node, input);
    }
    assert_eq!(status(&node), name);
    node.published();
    node
}

const STATES: [&str; 8] =
    ["PENDING", "RESERVED", "CONFIRMED", "CANCELLING", "SHIPPED", "DELIVERED", "CANCELLED", "FAILED"];

/// The status that each input leads to from each status (`-`: no change), and the events besides `OrderStatusChanged`.
#[rstest]
#[case("InventoryReserved", "RESERVED - - - - - - -", "")]
#[case("InventoryInsufficient", "CANCELLED CANCELLED - - - - - -", "OrderCancelled")]
#[case("ReservationExpired", "CANCELLED CANCELLED - - - - - -", "OrderCancelled")]
#[case("OrderDeadline", "CANCELLED CANCELLED - - - - - -", "OrderCancelled")]
#[case("PaymentProcessed", "CONFIRMED CONFIRMED - - - - - -", "OrderConfirmed")]
#[case("PaymentFailed", "FAILED FAILED - - - - - -", "")]
#[case("PaymentRefunded", "- - - - - - - -", "")]
#[case("OrderShipped", "- - SHIPPED SHIPPED - - - -", "")]
#[case("OrderDelivered", "- - DELIVERED DELIVERED DELIVERED - - -", "")]
#[case("ShipmentFailed", "- - CANCELLED CANCELLED - - - -", "OrderCancelled")]
#[case("ShipmentCancelled", "- - CANCELLED CANCELLED - - - -", "OrderCancelled")]
#[case("ShipmentCancellationRefused", "- - - CONFIRMED - - - -", "")]
#[case(
    "CancelOrder",
    "CANCELLED CANCELLED CANCELLING - - - - -",
    "OrderCancelled OrderCancelled OrderCancellationRequested"
)]
fn every_input_in_every_status(#[case] input: &str, #[case] statuses: &str, #[case] events: &str) {
    for (index, (before, after)) in STATES.into_iter().zip(statuses.split(' ')).enumerate() {
        let mut node = in_state(before);
        apply(&mut node, input);
        let mut published: Vec<&str> = events.split_whitespace().collect();
        if published.len() > 1 {
            published = vec![published[index.min(2)]]; // one for each status that changes
        }
        published.push("OrderStatusChanged");
        let (after, published) = if after == "-" { (before, vec![]) } else { (after, published) };
        assert_eq!(
            (status(&node), node.published()),
            (after, published.into_iter().map(String::from).collect()),
            "{before} {input}"
        );

        let once = order(&node).clone();
        apply(&mut node, input);
        assert_eq!(order(&node), &once, "{before} {input}: a repeat changes nothing");
        assert!(node.published().is_empty(), "{before} {input}: a repeat publishes nothing");
    }
}

#[rstest]
#[case("InventoryInsufficient", OrderEndReason::OutOfStock)]
#[case("ReservationExpired", OrderEndReason::ReservationExpired)]
#[case("OrderDeadline", OrderEndReason::DeadlineExceeded)]
#[case("CancelOrder", OrderEndReason::CustomerRequest)]
#[case("PaymentFailed", OrderEndReason::CardDeclined)]
fn the_reason_of_the_end(#[case] input: &str, #[case] reason: OrderEndReason) {
    let mut node = in_state("RESERVED");
    assert_eq!(node.reminders.len(), 1);
    apply(&mut node, input);
    assert_eq!(order(&node).reason.as_deref(), Some(&reason));
    assert!(node.reminders.is_empty(), "the deadline is cancelled");
}

#[test]
fn the_shipment_fails_or_is_cancelled_while_cancelling() {
    let mut node = in_state("CANCELLING");
    apply(&mut node, "ShipmentFailed");
    assert_eq!(order(&node).reason.as_deref(), Some(&OrderEndReason::ShipmentFailed));
    let mut node = in_state("CANCELLING");
    apply(&mut node, "ShipmentCancelled");
    assert_eq!(order(&node).reason.as_deref(), Some(&OrderEndReason::CustomerRequest));
    let published: Value = last(&node, "OrderCancelled");
    assert_eq!((&published["reason"], &published["note"]), (&json!("CUSTOMER_REQUEST"), &json!("changed my mind")));
}

/// The JSON of the last published event of this type.
fn last(node: &Orders, kind: &str) -> Value {
    let is = |event: &&Outgoing| testkit::node::event_name(&event.message) == kind;
    serde_json::from_slice(&node.outbox.iter().rfind(is).unwrap().message.value).unwrap()
}

#[test]
fn events_contain_what_consumers_need() {
    let mut node = given();
    let placed = node.command(place(&[(TEAPOT, 2, "29.95"), (CUP, 1, "5.00")])).unwrap();
    assert_eq!(
        (placed.status, placed.version, placed.total_amount),
        (OrderStatus::Pending, 1, Money::from_minor(6490))
    );
    let created = last(&node, "OrderCreated");
    assert_eq!((&created["orderId"], &created["correlationId"]), (&json!(ORDER), &json!(ORDER)));
    assert_eq!((&created["totalAmount"], &created["payment"]["token"]), (&json!("64.90"), &json!("tok_ok")));
    assert_eq!(created["items"][0]["productName"], "Teapot");
    assert_eq!(created["causationId"], Value::Null);
    let changed = last(&node, "OrderStatusChanged");
    assert_eq!(
        (&changed["status"], &changed["previous"], &changed["version"]),
        (&json!("PENDING"), &Value::Null, &json!(1))
    );

    apply(&mut node, "PaymentProcessed");
    let confirmed = last(&node, "OrderConfirmed");
    assert_eq!(confirmed["recipient"], json!({ "name": "Ada Lovelace", "phone": "+441234567890" }));
    assert_eq!((&confirmed["shippingAddress"]["city"], &confirmed["sequence"]), (&json!("London"), &json!(1)));
    assert_eq!(confirmed["items"].as_array().unwrap().len(), 2);
    assert!(node.reminders.is_empty(), "a confirmed order has no deadline");
    apply(&mut node, "OrderShipped");
    assert_eq!(last(&node, "OrderStatusChanged")["trackingNumber"], "SHIP-1");
}

#[test]
fn all_violations_are_returned_together() {
    let mut node = given();
    let dollars = json!({ "name": "Lamp", "price": "9.00", "currency": "USD", "version": 1 });
    node.event(Uuid::from_u128(3), "ProductChanged.v1", &dollars);
    let unknown = Uuid::from_u128(77);
    let refused = node.command(place(&[
        (TEAPOT, 1, "29.95"),
        (unknown, 1, "1.00"),
        (CUP, 1, "4.00"),
        (Uuid::from_u128(3), 1, "9.00"),
    ]));
    let codes: Vec<_> =
        refused.unwrap_err().into_iter().map(FieldError::from).map(|it| (it.field.to_string(), it.code)).collect();
    let expected = [
        ("items[1].productId", "unknown_product"),
        ("items[2].price", "price_changed"),
        ("currency", "currency_mismatch"),
    ];
    assert_eq!(codes, expected.map(|(field, code)| (field.to_owned(), code)));
    assert!(node.outbox.is_empty() && node.reminders.is_empty() && node.work.orders.get(&ORDER).is_none());
}

#[test]
fn the_newest_price_is_kept_in_any_order_of_events() {
    let mut node = given();
    node.event(TEAPOT, "ProductChanged.v1", &product("Big teapot", "39.95", 3));
    let late = node.event(TEAPOT, "ProductChanged.v1", &product("Old teapot", "19.95", 2));
    assert!(matches!(late, Ended::Ignored(_)));
    let refused = node.command(place(&[(TEAPOT, 1, "29.95")])).unwrap_err();
    let message = FieldError::from(refused[0].clone()).message;
    assert!(message.contains("39.95"), "{message}");
    node.command(place(&[(TEAPOT, 1, "39.95"), (TEAPOT, 2, "39.95")])).unwrap();
    assert_eq!(order(&node).total_minor, 3 * 3995);
    assert_eq!(node.work.details.get(&ORDER).unwrap().details.items[0].product_name, "Big teapot");
}

#[test]
fn an_event_about_an_unknown_order_is_rejected() {
    let ended = given().event(ORDER, "InventoryReserved.v1", &json!({}));
    assert!(matches!(ended, Ended::Rejected(_)));
}

#[test]
fn the_preview_matches_the_cancellation() {
    use CancellationStep::*;
    for (state, outcome, steps, why) in [
        ("PENDING", Some(OrderStatus::Cancelled), vec![], None),
        ("RESERVED", Some(OrderStatus::Cancelled), vec![ReleaseStock], None),
        ("CONFIRMED", Some(OrderStatus::Cancelling), vec![ReleaseStock, Refund, CancelShipment], None),
        ("CANCELLING", None, vec![], Some("ALREADY_CANCELLING")),
        ("SHIPPED", None, vec![], Some("ALREADY_SHIPPED")),
        ("DELIVERED", None, vec![], Some("ALREADY_DELIVERED")),
        ("CANCELLED", None, vec![], Some("ALREADY_CANCELLED")),
        ("FAILED", None, vec![], Some("ALREADY_FAILED")),
    ] {
        let mut node = in_state(state);
        let preview = order(&node).cancellation();
        assert_eq!((preview.outcome, preview.steps, preview.why), (outcome, steps, why), "{state}");
        assert_eq!(preview.refund, (state == "CONFIRMED").then_some(Money::from_minor(6490)));
        let before = order(&node).status.0;
        let expected = match before {
            OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Failed => {
                Err(CancelRefusal::NotCancellable(before))
            }
            _ => Ok(outcome.unwrap_or(before)),
        };
        assert_eq!(cancel(&mut node), expected, "{state}");
        assert_eq!(cancel(&mut node), expected, "{state}: a repeat gets the same reply");
    }
}

#[test]
fn an_order_of_another_customer_is_not_found() {
    let mut node = in_state("PENDING");
    let of = |customer| CancelOrder { order_id: ORDER, of_customer: customer, note: None };
    assert_eq!(node.command(of(Some(Uuid::from_u128(6)))), Err(CancelRefusal::NoSuchOrder));
    assert_eq!(node.command(CancelOrder { order_id: CUP, ..of(None) }), Err(CancelRefusal::NoSuchOrder));
    assert_eq!(node.command(of(None)).unwrap().status, OrderStatus::Cancelled);
}

#[test]
fn payment_and_shipment_do_not_depend_on_the_order_of_events() {
    let mut early = in_state("CANCELLED");
    apply(&mut early, "PaymentProcessed");
    assert_eq!(order(&early).progress.payment.unwrap().status, PaymentStatus::Charged);
    apply(&mut early, "PaymentRefunded");
    let mut late = in_state("CANCELLED");
    apply(&mut late, "PaymentRefunded");
    apply(&mut late, "PaymentProcessed");
    assert_eq!(order(&early).progress.payment, order(&late).progress.payment);
    assert_eq!(order(&late).progress.payment.unwrap().status, PaymentStatus::Refunded);

    let mut overtaken = in_state("CONFIRMED");
    apply(&mut overtaken, "OrderDelivered");
    apply(&mut overtaken, "OrderShipped");
    let parcel = order(&overtaken).progress.shipment.clone().unwrap();
    assert_eq!((parcel.status, parcel.tracking_number.as_deref()), (ShipmentStatus::Delivered, Some("SHIP-1")));
    assert_eq!(Some(parcel), order(&in_state("DELIVERED")).progress.shipment);
}

#[test]
fn a_partial_refund_is_recorded() {
    let mut node = in_state("SHIPPED");
    let part = |total: &str| json!({ "paymentId": Uuid::from_u128(21), "refundedTotal": total });
    node.event(ORDER, "PaymentRefunded.v1", &part("10.00"));
    node.event(ORDER, "PaymentRefunded.v1", &part("5.00")); // an earlier refund that arrives late
    let payment = order(&node).progress.payment.unwrap();
    assert_eq!((payment.status, payment.refunded), (PaymentStatus::Charged, Money::from_minor(1000)));
    assert_eq!(status(&node), "SHIPPED");
}

const INPUTS: [&str; 13] = [
    "InventoryReserved",
    "InventoryInsufficient",
    "ReservationExpired",
    "PaymentProcessed",
    "PaymentFailed",
    "PaymentRefunded",
    "OrderShipped",
    "OrderDelivered",
    "ShipmentFailed",
    "ShipmentCancelled",
    "ShipmentCancellationRefused",
    "OrderDeadline",
    "CancelOrder",
];

proptest! {
    /// Any inputs in any order: the history has no gap and ends with the current status, an end is final, the deadline
    /// exists only until the confirmation, and the sequence numbers of published events have no gap.
    #[test]
    fn any_sequence_of_inputs_keeps_the_invariants(inputs in prop::collection::vec(prop::sample::select(&INPUTS), 0..25)) {
        let mut node = given();
        node.command(place(&[(TEAPOT, 2, "29.95"), (CUP, 1, "5.00")])).unwrap();
        let mut ended = None;
        for input in inputs {
            apply(&mut node, input);
            let row = order(&node);
            if let Some(end) = ended {
                prop_assert_eq!(row.status.0, end);
            }
            ended = row.status.is_terminal().then_some(row.status.0);
            let early = matches!(row.status.0, OrderStatus::Pending | OrderStatus::Reserved);
            prop_assert_eq!(node.reminders.len(), usize::from(early));
        }
        let row = order(&node);
        let versions: Vec<i64> = row.progress.history.iter().map(|it| it.version).collect();
        prop_assert_eq!(versions, (1..=row.version).collect::<Vec<_>>());
        prop_assert_eq!(row.progress.history.last().unwrap().status, row.status.0);
        prop_assert_eq!(row.reason.is_some(), matches!(row.status.0, OrderStatus::Cancelled | OrderStatus::Failed));
        let mut next = std::collections::BTreeMap::new();
        for event in &node.outbox {
            let number: i64 = std::str::from_utf8(event.message.header("ce_sequence").unwrap()).unwrap().parse().unwrap();
            let last: &mut i64 = next.entry(event.topic.clone()).or_default();
            prop_assert_eq!(number, *last + 1);
            *last = number;
        }
        prop_assert_eq!(next.get("order-status").copied(), Some(row.version));
    }
}
