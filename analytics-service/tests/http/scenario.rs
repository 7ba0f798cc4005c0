//! Events of other services about orders and products.

use bus::Outgoing;
use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use events::{
    Availability, CancelReason, Currency, Customer, Event, Item, Money, OrderCancelled, OrderConfirmed, OrderCreated,
    OrderDelivered, OrderShipped, PaymentDetails, PaymentFailed, PaymentFailure, PaymentProcessed, PaymentRefunded,
    ProductChanged, RefundReason,
};
use saga::{Consequences, Delivery, InputSource};
use telemetry::Trace;
use uuid::Uuid;

/// A time on the day of the scenario.
pub fn at(time: &str) -> DateTime<Utc> {
    format!("2026-01-24T{time}Z").parse().unwrap()
}

pub fn product(number: u128) -> Uuid {
    Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_0000 + number)
}

/// Events in the order of publishing.
#[derive(Default)]
pub struct Scenario(Vec<Outgoing>);

impl Scenario {
    pub fn of(events: impl Iterator<Item = Outgoing>) -> Self {
        Self(events.collect())
    }

    pub fn into_events(self) -> Vec<Outgoing> {
        self.0
    }

    pub fn product(&mut self, number: u128, name: &str) -> &mut Self {
        let event = ProductChanged {
            product_id: product(number),
            sku: format!("SKU-{number}"),
            name: name.into(),
            price: Money::from_minor(100),
            currency: Currency::EUR,
            availability: Availability::In,
            version: 1,
        };
        self.publish(product(number), at("00:00:00"), &event)
    }

    pub fn order(&mut self, number: u128, placed: DateTime<Utc>) -> Order<'_> {
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number);
        Order { scenario: self, id, placed, total: Money::ZERO }
    }

    fn publish(&mut self, key: Uuid, at: DateTime<Utc>, event: &impl Event) -> &mut Self {
        let (clock, _) = Clock::manual(at, u64::try_from(self.0.len()).unwrap());
        let id = clock.new_id();
        let mut out = Consequences::new("test-service", clock);
        let about = Delivery {
            id,
            source: InputSource::Event,
            key,
            cause: None,
            at,
            sequence: 0,
            trace: Trace::default(),
            input: (),
        };
        out.of(&about).publish(&mut 0, event);
        self.0.extend(out.into_parts().events);
        self
    }
}

/// Builds the events of one order. `after_ms`: since the order was placed.
pub struct Order<'a> {
    scenario: &'a mut Scenario,
    id: Uuid,
    placed: DateTime<Utc>,
    total: Money,
}

impl Order<'_> {
    fn publish(self, after_ms: i64, event: &impl Event) -> Self {
        self.scenario.publish(self.id, self.placed + TimeDelta::milliseconds(after_ms), event);
        self
    }

    /// Product, units, and price in hundredths.
    pub fn items(mut self, items: &[(u128, u32, i64)]) -> Self {
        let item = |(number, quantity, cents): &(u128, u32, i64)| Item {
            product_id: product(*number),
            product_name: format!("Product {number}"),
            quantity: *quantity,
            price: Money::from_minor(*cents),
        };
        let items: Vec<Item> = items.iter().map(item).collect();
        self.total = Money::checked_sum(items.iter().map(|item| item.line_total().unwrap())).unwrap();
        let created = OrderCreated {
            customer_id: Uuid::from_u128(7),
            customer: Customer {
                name: "Ada".into(),
                email: "ada@example.org".into(),
                phone: None,
                language: "en".into(),
            },
            currency: Currency::EUR,
            total_amount: self.total,
            items,
            payment: PaymentDetails { method: "card".into(), token: "tok_ok".into() },
        };
        self.publish(0, &created)
    }

    pub fn reserved(self, after_ms: i64) -> Self {
        let expires_at = (self.placed + TimeDelta::minutes(15)).into();
        self.publish(after_ms, &events::InventoryReserved { reservations: vec![], expires_at })
    }

    pub fn charged(self, after_ms: i64) -> Self {
        let event = PaymentProcessed {
            payment_id: self.id,
            amount: self.total,
            currency: Currency::EUR,
            payment_method: "card".into(),
        };
        self.publish(after_ms, &event)
    }

    pub fn declined(self, after_ms: i64) -> Self {
        let event = PaymentFailed { reason: PaymentFailure::CardDeclined, amount: self.total, currency: Currency::EUR };
        self.publish(after_ms, &event)
    }

    pub fn refunded(self, after_ms: i64) -> Self {
        let event = PaymentRefunded {
            refund_id: self.id,
            payment_id: self.id,
            amount: self.total,
            refunded_total: self.total,
            currency: Currency::EUR,
            reason: RefundReason::OrderCancelled,
            note: None,
        };
        self.publish(after_ms, &event)
    }

    pub fn confirmed(self, after_ms: i64) -> Self {
        let sample = include_str!("../../../events/samples/OrderConfirmed.v1.json");
        let event: OrderConfirmed = serde_json::from_str(sample).unwrap();
        self.publish(after_ms, &event)
    }

    pub fn shipped(self, after_ms: i64) -> Self {
        let event = OrderShipped {
            shipment_id: self.id,
            carrier: "MockCarrier".into(),
            tracking_number: "SHIP-1".into(),
            estimated_delivery: self.placed.into(),
        };
        self.publish(after_ms, &event)
    }

    pub fn delivered(self, after_ms: i64) -> Self {
        let event = OrderDelivered { shipment_id: self.id, delivered_at: self.placed.into() };
        self.publish(after_ms, &event)
    }

    pub fn cancelled(self, after_ms: i64) -> Self {
        self.publish(after_ms, &OrderCancelled { reason: CancelReason::CustomerRequest, note: None })
    }
}
