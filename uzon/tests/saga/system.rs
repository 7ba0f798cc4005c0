//! The nodes of the system and the outside world.

use std::convert::Infallible;

use chrono::{DateTime, TimeDelta};
use clock::Clock;
use events::{choreography, service};
use fulfillment_service::{domain as parcel, saga::FulfillmentSaga};
use inventory_service::{domain as stock, saga::InventorySaga};
use notification_service::{
    domain::{Notify, NotifyAnswer},
    saga::NotificationSaga,
};
use order_service::{domain as orders, saga::OrderSaga, statuses::Statuses};
use payment_service::{domain as payments, saga::PaymentSaga};
use saga::{CallResult, Command, Consequences, Delivery, Participant, Verdict};
use sandbox::{
    carrier::{self, SandboxCarrier},
    payment_provider::{self, SandboxProvider},
};
use testkit::{
    Node,
    sim::{Actor, Faults, Sim, World},
};
use uuid::Uuid;
use uzon::sandbox::{
    book_answer, book_command, cancel_answer, charge_answer, charge_command, close_answer, close_command, progress,
    query_answer, query_command, refund_command, refunded,
};

use crate::controls;

pub const TEAPOT: Uuid = Uuid::from_u128(0x7ea);
/// Index of each node in [`Sim::nodes`].
pub const ORDER: usize = 0;
pub const INVENTORY: usize = 1;
pub const PAYMENT: usize = 2;
pub const FULFILLMENT: usize = 3;

/// The outside world: provider and carrier with their ledgers, and a customer.
#[derive(Clone)]
pub struct Outside {
    pub bank: Node<SandboxProvider>,
    pub carrier: Node<SandboxCarrier>,
    pub orders: Vec<Uuid>,
    /// Remaining cancellations.
    pub cancellations: usize,
    pub mutation: Mutation,
}

/// A protection to remove, to show that a check fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mutation {
    #[default]
    None,
    /// Every attempt of a charge has a new key.
    NewKeyPerAttempt,
    /// A missing answer of the provider counts as a decline.
    TimeoutIsDecline,
    /// "Not found" counts as "never will be charged".
    VoidOnNotFound,
    /// A cancellation before the confirmation leaves no tombstone in fulfillment.
    NoTombstone,
    /// Inventory releases stock on its own timer.
    ReleaseOnExpiry,
    /// Inventory reserves for an order as often as it receives it, and recognises no repeats.
    ReserveAgain,
}

pub fn order(number: u128) -> Uuid {
    Uuid::from_u128(0x0de4_0000 + number)
}

/// Initial state of a scenario.
#[derive(Debug, Clone, Copy)]
pub struct Begin {
    pub stock: i64,
    pub tokens: &'static [&'static str],
    /// The carrier refuses the parcels.
    pub refused: bool,
    pub cancellations: usize,
    pub faults: Faults,
    pub mutation: Mutation,
}

impl Default for Begin {
    fn default() -> Self {
        let faults = Faults { prompt: true, ..Faults::default() };
        Self { stock: 10, tokens: &["tok_ok"], refused: false, cancellations: 0, faults, mutation: Mutation::None }
    }
}

/// The four services that decide about an order, and with `with_notification` the notification
/// service.
pub fn begin(it: Begin, seed: u64, with_notification: bool) -> Sim<Outside> {
    let at = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    let (clock, manual) = Clock::manual(at, seed);
    let world = Outside {
        bank: Node::new("sandbox-payment", SandboxProvider, [], clock.clone()),
        carrier: Node::new("sandbox-carrier", SandboxCarrier { pace: pace() }, [], clock.clone()),
        orders: (0..it.tokens.len() as u128).map(order).collect(),
        cancellations: it.cancellations,
        mutation: it.mutation,
    };
    let mut inventory = inventory(&clock, controls::inventory(it.mutation));
    if it.mutation == Mutation::ReserveAgain {
        inventory = inventory.deciding_repeats();
    }
    let teapot = stock::PutProduct {
        product_id: TEAPOT,
        sku: "TEA".into(),
        name: "Teapot".into(),
        price: "29.95".parse().expect("money"),
        currency: "EUR".parse().expect("a currency"),
        expected: stock::ExpectedVersion::Any,
    };
    inventory.command(teapot).expect("a product");
    let reason = stock::AdjustmentReason::Delivery;
    inventory
        .command(stock::AdjustStock { product_id: TEAPOT, quantity: it.stock, reason, note: None })
        .expect("stock");

    let mut order = order_node(&clock);
    // The order service knows the catalogue before the first order.
    for event in inventory.outbox.drain(..) {
        let record = bus::Record { topic: event.topic, partition: 0, offset: 0, message: event.message };
        order.deliver(&record);
    }
    for (number, token) in it.tokens.iter().enumerate() {
        order.command(place(world.orders[number], token, it.refused)).expect("the order is accepted");
    }
    let mut nodes: Vec<Box<dyn Actor<Outside>>> = vec![
        Box::new(order),
        Box::new(inventory),
        Box::new(payment(&clock)),
        Box::new(fulfillment(&clock, controls::fulfillment(it.mutation))),
    ];
    if with_notification {
        nodes.push(Box::new(notification(&clock)));
    }
    let mut sim = Sim::new(manual, world, it.faults, nodes);
    if it.faults.prompt {
        sim.take(&testkit::sim::Step::Outside("nothing".into())); // publishes the events so far
    }
    sim
}

fn pace() -> carrier::Pace {
    carrier::Pace { pickup_after: TimeDelta::zero(), deliver_after: TimeDelta::zero() }
}

/// A participant whose decisions can be replaced, for mutation controls.
pub struct Mutable<P: Participant> {
    pub rules: P,
    pub instead: Option<Instead<P>>,
}

pub type Instead<P> =
    fn(&P, &mut <P as Participant>::Workset, &Delivery<<P as Participant>::Input>, &mut Consequences) -> Verdict;

impl<P: Participant> Participant for Mutable<P> {
    const NAME: &'static str = P::NAME;
    type Input = P::Input;
    type Workset = P::Workset;

    fn react(&self, work: &mut P::Workset, it: &Delivery<P::Input>, out: &mut Consequences) -> Verdict {
        match self.instead {
            None => self.rules.react(work, it, out),
            Some(instead) => instead(&self.rules, work, it, out),
        }
    }
}

pub type Inventory = Node<Mutable<InventorySaga>, Outside>;
pub type Fulfillment = Node<Mutable<FulfillmentSaga>, Outside>;

pub fn order_node(clock: &Clock) -> Node<OrderSaga, Outside> {
    let saga =
        OrderSaga { rules: orders::OrderRules { deadline: TimeDelta::minutes(30) }, statuses: Statuses::default() };
    Node::new("order-service", saga, choreography::heard_by(service::ORDER), clock.clone())
}

pub fn inventory(clock: &Clock, instead: Option<Instead<InventorySaga>>) -> Inventory {
    let rules = stock::StockRules { hold_for: TimeDelta::minutes(15), low_stock: 2 };
    let saga = Mutable { rules: InventorySaga { rules }, instead };
    Node::new("inventory-service", saga, choreography::heard_by(service::INVENTORY), clock.clone())
}

pub fn payment(clock: &Clock) -> Node<PaymentSaga, Outside> {
    let saga = PaymentSaga { rules: payments::PaymentRules { query_for: TimeDelta::hours(20) } };
    Node::new("payment-service", saga, choreography::heard_by(service::PAYMENT), clock.clone())
        .performs(|it: &payments::Charge, world: &mut Outside| world.charge(it))
        .performs(|it: &payments::QueryCharge, world: &mut Outside| {
            Some(CallResult::Answer(query_answer(send(&mut world.bank, query_command(it)))))
        })
        .performs(|it: &payments::CloseCharge, world: &mut Outside| {
            let close = close_command(it);
            if world.mutation == Mutation::VoidOnNotFound {
                let query = payment_provider::Query { key: close.key, order_id: close.order_id };
                return Some(CallResult::Answer(match query_answer(send(&mut world.bank, query)) {
                    payments::Found::Settled(payments::ChargeAnswer::Charged { reference }) => {
                        payments::CloseAnswer::AlreadyCharged { reference }
                    }
                    _ => payments::CloseAnswer::Closed,
                }));
            }
            Some(CallResult::Answer(close_answer(send(&mut world.bank, close))))
        })
        .performs(|it: &payments::Refund, world: &mut Outside| {
            world.bank.command(refund_command(it)).ok().map(|answer| CallResult::Answer(refunded(answer)))
        })
}

pub fn fulfillment(clock: &Clock, instead: Option<Instead<FulfillmentSaga>>) -> Fulfillment {
    let rules = parcel::ShipmentRules { track_after: TimeDelta::hours(1) };
    let saga = Mutable { rules: FulfillmentSaga { rules }, instead };
    Node::new("fulfillment-service", saga, choreography::heard_by(service::FULFILLMENT), clock.clone())
        .performs(|it: &parcel::Book, world: &mut Outside| {
            Some(CallResult::Answer(book_answer(send(&mut world.carrier, book_command(it)))))
        })
        .performs(|it: &parcel::QueryBooking, world: &mut Outside| {
            let known = send(&mut world.carrier, carrier::Find { key: parcel::booking_key(it.order_id) });
            Some(CallResult::Answer(known.map(|known| book_answer(known.answer))))
        })
        .performs(|it: &parcel::CancelBooking, world: &mut Outside| {
            let cancel = carrier::Cancel { key: parcel::booking_key(it.order_id) };
            Some(CallResult::Answer(cancel_answer(send(&mut world.carrier, cancel))))
        })
        .performs(|it: &parcel::TrackShipment, world: &mut Outside| {
            let known = send(&mut world.carrier, carrier::Find { key: parcel::booking_key(it.order_id) });
            Some(CallResult::Answer(known.and_then(|known| known.progress).map(progress)))
        })
}

pub fn notification(clock: &Clock) -> Node<NotificationSaga, Outside> {
    Node::new("notification-service", NotificationSaga, choreography::heard_by(service::NOTIFICATION), clock.clone())
        .performs(|_: &Notify, _: &mut Outside| Some(CallResult::Answer(NotifyAnswer::Accepted)))
}

fn send<P, C>(node: &mut Node<P>, command: C) -> C::Reply
where
    P: Participant<Workset: Default + Clone>,
    C: Command<Participant = P, Refusal = Infallible>,
    P::Input: From<C>,
{
    match node.command(command) {
        Ok(reply) => reply,
        Err(never) => match never {},
    }
}

fn place(order_id: Uuid, token: &str, refused: bool) -> orders::PlaceOrder {
    let postal_code = if refused { "REFUSED" } else { "N1 1AA" };
    serde_json::from_value::<Wanted>(serde_json::json!({
        "customer": { "name": "Ada Lovelace", "email": "ada@example.org", "phone": null, "language": "en" },
        "address": { "line1": "1 Main St", "line2": null, "city": "London", "region": null,
                     "postalCode": postal_code, "country": "GB" },
        "payment": { "method": "card", "token": token },
    }))
    .map(|it| orders::PlaceOrder {
        order_id,
        customer_id: Uuid::from_u128(0xc0),
        customer: it.customer,
        shipping_address: it.address,
        currency: "EUR".parse().expect("a currency"),
        items: vec![orders::RequestedItem { product_id: TEAPOT, quantity: 2, price: "29.95".parse().expect("money") }],
        payment: it.payment,
    })
    .expect("a customer")
}

#[derive(serde::Deserialize)]
struct Wanted {
    customer: events::Customer,
    address: events::Address,
    payment: events::PaymentDetails,
}

impl Outside {
    fn charge(&mut self, it: &payments::Charge) -> Option<CallResult<payments::ChargeAnswer>> {
        let mut charge = charge_command(it);
        if self.mutation == Mutation::NewKeyPerAttempt {
            charge.key = format!("{}:{}", charge.key, self.bank.work.entries.iter().count());
        }
        match send(&mut self.bank, charge).received() {
            Some(Ok(answer)) => Some(CallResult::Answer(charge_answer(answer))),
            Some(Err(_)) => None,
            None if self.mutation == Mutation::TimeoutIsDecline => {
                let reason = events::PaymentFailure::PaymentNotAuthorised;
                Some(CallResult::Answer(payments::ChargeAnswer::Declined { reason }))
            }
            None => Some(CallResult::Unknown("no answer".into())),
        }
    }
}

impl World for Outside {
    fn can_happen(&self, nodes: &[Box<dyn Actor<Self>>]) -> Vec<String> {
        let mut can = vec![];
        for booking in self.carrier.work.bookings.iter() {
            if booking.is_waiting() {
                can.push(format!("pick up {}", booking.order_id));
            }
            let shipment = fulfillment_of(nodes).work.shipments.get(&booking.order_id);
            let state = shipment.map(|shipment| shipment.state);
            let known = !matches!(state, None | Some(parcel::State::Booking | parcel::State::Unknown));
            let updated = matches!(state, Some(parcel::State::Shipped | parcel::State::Delivered));
            if booking.picked_up_at.is_some() && known && !updated {
                can.push(format!("update {}", booking.order_id));
            }
            if booking.picked_up_at.is_some() && state == Some(parcel::State::Shipped) {
                can.push(format!("deliver {}", booking.order_id));
            }
        }
        for (key, name) in self.bank.reminders.keys() {
            can.push(format!("{name} {key}"));
        }
        if self.cancellations > 0 {
            for order in orders_of(nodes).work.orders.iter() {
                use events::OrderStatus::*;
                if matches!(*order.status, Pending | Reserved | Confirmed) {
                    can.push(format!("cancel {}", order.id));
                }
            }
        }
        can
    }

    fn happen(&mut self, what: &str, nodes: &mut [Box<dyn Actor<Self>>]) -> bool {
        let Some((verb, id)) = what.rsplit_once(' ') else { return false };
        let id: Uuid = id.parse().expect("an order");
        match verb {
            "pick up" => {
                send(&mut self.carrier, carrier::PickUp { key: parcel::booking_key(id) });
            }
            "update" | "deliver" => {
                let booking = self.carrier.work.bookings.get(&parcel::booking_key(id)).expect("booked").clone();
                let at = booking.picked_up_at.expect("picked up");
                let delivered = verb == "deliver";
                let progress = if delivered { parcel::Progress::Delivered { at } } else { parcel::Progress::PickedUp };
                let update =
                    parcel::CarrierUpdate { order_id: id, tracking_number: booking.tracking_number.clone(), progress };
                let fulfillment: &mut Fulfillment =
                    nodes[FULFILLMENT].as_any_mut().downcast_mut().expect("fulfillment");
                fulfillment.command(update).expect("the parcel is known");
                if delivered {
                    send(&mut self.carrier, carrier::Deliver { key: booking.key, at });
                }
            }
            "cancel" => {
                self.cancellations -= 1;
                let order: &mut Node<OrderSaga, Self> = nodes[ORDER].as_any_mut().downcast_mut().expect("order");
                drop(order.command(orders::CancelOrder { order_id: id, of_customer: None, note: None }));
            }
            name => {
                self.bank.fire(id, name);
            }
        }
        true
    }

    fn is_rare(&self, what: &str) -> bool {
        what.starts_with("cancel")
    }
}

type Nodes<'a> = &'a [Box<dyn Actor<Outside>>];

pub fn orders_of(nodes: Nodes<'_>) -> &Node<OrderSaga, Outside> {
    nodes[ORDER].as_any().downcast_ref().expect("order")
}
pub fn inventory_of(nodes: Nodes<'_>) -> &Inventory {
    nodes[INVENTORY].as_any().downcast_ref().expect("inventory")
}
pub fn payment_of(nodes: Nodes<'_>) -> &Node<PaymentSaga, Outside> {
    nodes[PAYMENT].as_any().downcast_ref().expect("payment")
}
pub fn fulfillment_of(nodes: Nodes<'_>) -> &Fulfillment {
    nodes[FULFILLMENT].as_any().downcast_ref().expect("fulfillment")
}
