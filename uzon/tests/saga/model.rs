//! The code agrees with the model of the design: for every service, state and event, the same next
//! state and the same events. `reactions.json` is the table of the model, one line per case.

use events::OrderStatus;
use fulfillment_service::domain::State as Shipment;
use inventory_service::domain::State as Reservation;
use payment_service::domain::State as Payment;
use serde::Deserialize;
use testkit::{Ended, sim::Step};

use crate::system::{
    Begin, FULFILLMENT, INVENTORY, Mutable, ORDER, Outside, PAYMENT, begin, fulfillment_of, inventory_of, order,
    orders_of, payment_of,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    service: String,
    state: String,
    event: String,
    #[serde(rename = "then")]
    next_state: Option<String>,
    #[serde(default, rename = "says")]
    publishes: Vec<String>,
    #[serde(default)]
    hold: bool,
    #[serde(default)]
    out_of_stock: bool,
}

type Sim = testkit::sim::Sim<Outside>;

#[test]
fn every_reaction_agrees_with_the_model() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reactions.json")).unwrap();
    assert!(cases.len() > 300);
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(wrong.is_empty(), "{} of {} disagree:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn check(case: &Case) -> Result<(), String> {
    let mut sim = begin(
        Begin { stock: if case.out_of_stock && case.state == "NONE" { 1 } else { 10 }, ..Begin::default() },
        1,
        false,
    );
    set(&mut sim, &case.service, &case.state);
    let node = index(&case.service);
    while sim.nodes[node].next_event(true).is_some() {}
    let ended = deliver(&mut sim, node, &case.event);
    let mut published = vec![];
    while let Some(event) = sim.nodes[node].next_event(true) {
        published.push(testkit::node::event_name(&event.message));
    }
    // The model covers neither the announcements of transitions nor the catalogue.
    published.retain(|it| it != "OrderStatusChanged" && it != "ProductChanged");
    let held = matches!(ended, Some(Ended::Held(_)));
    let after = state(&sim, &case.service);
    if case.hold {
        return if held { Ok(()) } else { Err(format!("{case:?}: not held but {ended:?}")) };
    }
    let expected = case.next_state.clone().expect("a state");
    if held || after != expected || published != case.publishes {
        return Err(format!("{case:?}: {after}, publishes {published:?}, {ended:?}"));
    }
    Ok(())
}

fn index(service: &str) -> usize {
    match service {
        "order" => ORDER,
        "inventory" => INVENTORY,
        "payment" => PAYMENT,
        _ => FULFILLMENT,
    }
}

/// Delivers an event with the content of its golden sample. `None`: the service does not subscribe
/// to it.
fn deliver(sim: &mut Sim, node: usize, event: &str) -> Option<Ended> {
    let kind = format!("{event}.v1");
    let sample = events::contract::contract_of(&kind).expect("an event of ours").sample;
    let mut json: serde_json::Value = serde_json::from_str(sample).unwrap();
    if event == "OrderCreated" {
        json["items"] = serde_json::json!([{ "productId": crate::system::TEAPOT, "productName": "Teapot", "quantity": 2, "price": "29.95" }]);
    }
    let body = serde_json::to_vec(&json).unwrap();
    macro_rules! on {
        ($saga:ty) => {{
            let node: &mut testkit::Node<$saga, Outside> = sim.nodes[node].as_any_mut().downcast_mut().unwrap();
            let known = saga::decode::<<$saga as saga::Participant>::Input>(&kind, &body).unwrap().is_some();
            known.then(|| node.event(order(0), &kind, &json))
        }};
    }
    match node {
        ORDER => on!(order_service::saga::OrderSaga),
        INVENTORY => on!(Mutable<inventory_service::saga::InventorySaga>),
        PAYMENT => on!(payment_service::saga::PaymentSaga),
        _ => on!(Mutable<fulfillment_service::saga::FulfillmentSaga>),
    }
}

/// Brings a service's row of the order into a state.
fn set(sim: &mut Sim, service: &str, state: &str) {
    let id = order(0);
    match service {
        "order" => {
            let node: &mut testkit::Node<order_service::saga::OrderSaga, Outside> =
                sim.nodes[ORDER].as_any_mut().downcast_mut().unwrap();
            let status = state.parse::<OrderStatus>().unwrap();
            node.work.orders.get_mut(&id).unwrap().status = order_service::domain::rows::Wire(status);
        }
        "inventory" => {
            let ways: &[&str] = match state {
                "NONE" => &[],
                "TOMB" => &["OrderCancelled"],
                "RESERVED" | "REFUSED" => &["OrderCreated"],
                "EXPIRING" => &["OrderCreated", "!"],
                "COMMITTED" => &["OrderCreated", "OrderConfirmed"],
                "SHIPPED" => &["OrderCreated", "OrderShipped"],
                "RELEASED" => &["OrderCreated", "OrderCancelled"],
                other => panic!("{other}"),
            };
            if state == "REFUSED" {
                *sim = begin(Begin { stock: 1, ..Begin::default() }, 1, false);
            }
            for event in ways {
                if *event == "!" {
                    sim.take(&Step::Remind { node: INVENTORY, key: id, name: "ReservationDue".into() });
                } else {
                    deliver(sim, INVENTORY, event);
                }
            }
        }
        "payment" => {
            if state == "NONE" {
                return;
            }
            if state == "VOIDED" {
                deliver(sim, PAYMENT, "OrderCancelled");
                return;
            }
            deliver(sim, PAYMENT, "OrderCreated");
            let node: &mut testkit::Node<payment_service::saga::PaymentSaga, Outside> =
                sim.nodes[PAYMENT].as_any_mut().downcast_mut().unwrap();
            let row = node.work.rows.get_mut(&id).unwrap();
            row.provider_reference = Some("ch_1".into());
            row.state = match state {
                "NOTED" => Payment::Noted,
                "CHARGING" => Payment::Charging,
                "UNKNOWN" => Payment::Unknown,
                "CANCEL_WAIT" => Payment::CancelWait,
                "CHARGED" => Payment::Charged,
                "REFUNDING" => Payment::Refunding,
                "REFUNDED" => Payment::Refunded,
                "DECLINED" => Payment::Declined,
                other => panic!("{other}"),
            };
        }
        _ => {
            if state == "NONE" {
                return;
            }
            deliver(sim, FULFILLMENT, "OrderConfirmed");
            let node: &mut crate::system::Fulfillment = sim.nodes[FULFILLMENT].as_any_mut().downcast_mut().unwrap();
            let row = node.work.shipments.get_mut(&id).unwrap();
            row.cancel_request = matches!(state, "BOOKING_CANCEL" | "CANCELLING").then(|| uuid::Uuid::from_u128(5));
            row.state = match state {
                "BOOKING" | "BOOKING_CANCEL" => Shipment::Booking,
                "BOOKED" => Shipment::Booked,
                "CANCELLING" => Shipment::Cancelling,
                "SHIPPED" => Shipment::Shipped,
                "DELIVERED" => Shipment::Delivered,
                "CANCELLED" => Shipment::Cancelled,
                "FAILED" => Shipment::Failed,
                other => panic!("{other}"),
            };
        }
    }
}

fn state(sim: &Sim, service: &str) -> String {
    let id = order(0);
    match service {
        "order" => orders_of(&sim.nodes).work.orders.get(&id).unwrap().status.to_string(),
        "inventory" => match inventory_of(&sim.nodes).work.reservations.get(&id) {
            None => "NONE",
            Some(it) => match it.state {
                Reservation::Reserved if it.expiry_reported => "EXPIRING",
                Reservation::Reserved => "RESERVED",
                Reservation::Committed => "COMMITTED",
                Reservation::Shipped => "SHIPPED",
                Reservation::Released => "RELEASED",
                Reservation::Refused => "REFUSED",
                Reservation::Cancelled => "TOMB",
            },
        }
        .into(),
        "payment" => match payment_of(&sim.nodes).work.rows.get(&id).map(|it| it.state) {
            None => "NONE",
            Some(Payment::Noted) => "NOTED",
            Some(Payment::Charging) => "CHARGING",
            Some(Payment::Unknown) => "UNKNOWN",
            Some(Payment::CancelWait) => "CANCEL_WAIT",
            Some(Payment::Charged) => "CHARGED",
            Some(Payment::Refunding) => "REFUNDING",
            Some(Payment::Refunded) => "REFUNDED",
            Some(Payment::Declined) => "DECLINED",
            Some(Payment::Voided) => "VOIDED",
        }
        .into(),
        _ => match fulfillment_of(&sim.nodes).work.shipments.get(&id) {
            None => "NONE",
            Some(it) => match it.state {
                Shipment::Booking | Shipment::Unknown if it.cancel_request.is_some() => "BOOKING_CANCEL",
                Shipment::Booking | Shipment::Unknown => "BOOKING",
                Shipment::Booked => "BOOKED",
                Shipment::Cancelling => "CANCELLING",
                Shipment::Shipped => "SHIPPED",
                Shipment::Delivered => "DELIVERED",
                Shipment::Cancelled => "CANCELLED",
                Shipment::Failed => "FAILED",
            },
        }
        .into(),
    }
}
