//! Helpers of the tests.
#![allow(dead_code, reason = "each test uses its share")]

use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use events::choreography;
use fulfillment_service::{
    domain::{Booking, Line, Parcel, ShipmentRules, State},
    inputs::Input,
    saga::FulfillmentSaga,
};
use saga::{Delivery, InputSource};
use serde_json::{Value, json};
use telemetry::Trace;
use testkit::Node;
use uuid::Uuid;

pub const ORDER: Uuid = Uuid::from_u128(9);
pub const CUSTOMER: Uuid = Uuid::from_u128(5);

pub type Fulfillment<W = ()> = Node<FulfillmentSaga, W>;

pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

pub fn fulfillment<W: 'static>() -> Fulfillment<W> {
    let (clock, _) = Clock::manual(now(), 1);
    let saga = FulfillmentSaga { rules: ShipmentRules { track_after: TimeDelta::minutes(10) } };
    Node::new("fulfillment-service", saga, choreography::heard_by("fulfillment"), clock)
}

/// The body of an `OrderConfirmed`.
pub fn confirmed(postal_code: &str) -> Value {
    json!({
        "customerId": CUSTOMER, "currency": "EUR", "totalAmount": "59.90", "paymentId": Uuid::from_u128(7),
        "items": [{ "productId": Uuid::from_u128(1), "productName": "Teapot", "quantity": 2, "price": "29.95" }],
        "recipient": { "name": "Ada Lovelace", "phone": null },
        "shippingAddress": { "line1": "1 Main St", "line2": null, "city": "London", "region": null, "postalCode": postal_code, "country": "GB" },
    })
}

pub fn parcel() -> Parcel {
    let confirmed = confirmed("N1 1AA");
    Parcel {
        recipient: serde_json::from_value(confirmed["recipient"].clone()).unwrap(),
        address: serde_json::from_value(confirmed["shippingAddress"].clone()).unwrap(),
        items: vec![Line { product_id: Uuid::from_u128(1), product_name: "Teapot".into(), quantity: 2 }],
    }
}

pub fn booking() -> Booking {
    Booking {
        carrier: "MockCarrier".into(),
        tracking_number: "SHIP-1".into(),
        estimated_delivery: now() + TimeDelta::days(2),
    }
}

pub fn event(id: Uuid, input: Input) -> Delivery<Input> {
    Delivery {
        id,
        source: InputSource::Event,
        key: ORDER,
        cause: Some(id),
        at: now(),
        sequence: 0,
        trace: Trace::default(),
        input,
    }
}

/// The order's state, by its name in the choreography's model.
pub fn name<W: 'static>(node: &Fulfillment<W>) -> String {
    let Some(shipment) = node.work.shipments.get(&ORDER) else { return "NONE".into() };
    let cancel_requested = shipment.cancel_request.is_some();
    match shipment.state {
        State::Booking if cancel_requested => "BOOKING_CANCEL",
        State::Booking => "BOOKING",
        State::Unknown if cancel_requested => "UNKNOWN_CANCEL",
        State::Unknown => "UNKNOWN",
        State::Booked => "BOOKED",
        State::Cancelling => "CANCELLING",
        State::Shipped => "SHIPPED",
        State::Delivered => "DELIVERED",
        State::Cancelled => "CANCELLED",
        State::Failed => "FAILED",
    }
    .into()
}
