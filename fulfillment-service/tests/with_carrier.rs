//! The decisions of the service and of the sandbox carrier, with every fault of the calls between them, in any order:
//! in the end both agree.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

mod support;

use clock::Clock;
use fulfillment_service::domain::{
    Book, CancelBooking, CarrierUpdate, Progress, QueryBooking, TrackShipment, booking_key,
};
use proptest::prelude::*;
use saga::{CallResult, decode};
use sandbox::carrier::{self, Fate, Pace, PickUp, SandboxCarrier};
use serde::{Serialize, de::DeserializeOwned};
use support::{Fulfillment, ORDER, confirmed, fulfillment, name, now};
use testkit::Node;
use uuid::Uuid;

/// The carrier, and the fate of the current call.
struct World {
    carrier: Node<SandboxCarrier>,
    fate: Fate,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Confirm,
    /// The event with this id.
    RequestCancellation(u8),
    /// The nth pending call.
    Call(usize, Fate),
    /// The call is answered, and the service crashes before it stores the answer.
    CallAndCrash(usize),
    PickUp,
    Deliver,
    /// An update about the pick-up, possibly repeated; no update before the pick-up.
    UpdatePickedUp,
    UpdateDelivered,
    Ask,
}

fn step() -> impl Strategy<Value = Step> {
    let fate = prop_oneof![Just(Fate::Answered), Just(Fate::Failed), Just(Fate::Lost), Just(Fate::AnswerLost)];
    prop_oneof![
        2 => Just(Step::Confirm),
        1 => (0..2_u8).prop_map(Step::RequestCancellation),
        6 => (0..3_usize, fate).prop_map(|(nth, fate)| Step::Call(nth, fate)),
        1 => (0..3_usize).prop_map(Step::CallAndCrash),
        2 => Just(Step::PickUp),
        1 => Just(Step::Deliver),
        2 => Just(Step::UpdatePickedUp),
        1 => Just(Step::UpdateDelivered),
        1 => Just(Step::Ask),
    ]
}

/// Converts an answer of the sandbox into one of the domain, which has the same JSON.
fn of_domain<A: Serialize, B: DeserializeOwned>(answer: A) -> B {
    serde_json::from_value(serde_json::to_value(answer).unwrap()).unwrap()
}

struct Stage {
    shop: Fulfillment<World>,
    world: World,
    postal_code: &'static str,
    published: Vec<String>,
    delivered: bool,
    to_be_cancelled: bool,
}

impl Stage {
    fn new(postal_code: &'static str) -> Self {
        let (clock, _) = Clock::manual(now(), 2);
        let pace = Pace { pickup_after: chrono::TimeDelta::zero(), deliver_after: chrono::TimeDelta::zero() };
        let carrier = Node::new("sandbox-carrier", SandboxCarrier { pace }, [], clock);
        let shop = fulfillment::<World>()
            .performs::<Book>(|book, world| {
                let address = &book.parcel.address;
                let command = carrier::Book {
                    key: booking_key(book.order_id),
                    order_id: book.order_id,
                    postal_code: address.postal_code.clone(),
                    country: address.country.clone(),
                };
                match world.fate {
                    Fate::Failed => None,
                    Fate::Lost => Some(CallResult::Unknown("lost".into())),
                    Fate::AnswerLost => {
                        let Ok(_) = world.carrier.command(command);
                        Some(CallResult::Unknown("lost".into()))
                    }
                    Fate::Answered => {
                        let Ok(answer) = world.carrier.command(command);
                        Some(CallResult::Answer(of_domain(answer)))
                    }
                }
            })
            .performs::<QueryBooking>(|query, world| {
                let Ok(known) = world.carrier.command(carrier::Find { key: booking_key(query.order_id) });
                (world.fate == Fate::Answered).then(|| CallResult::Answer(known.map(|known| of_domain(known.answer))))
            })
            .performs::<CancelBooking>(|cancel, world| {
                if matches!(world.fate, Fate::Failed | Fate::Lost) {
                    return None;
                }
                let Ok(answer) = world.carrier.command(carrier::Cancel { key: booking_key(cancel.order_id) });
                (world.fate == Fate::Answered).then(|| CallResult::Answer(of_domain(answer)))
            })
            .performs::<TrackShipment>(|track, world| {
                let Ok(known) = world.carrier.command(carrier::Find { key: booking_key(track.order_id) });
                (world.fate == Fate::Answered)
                    .then(|| CallResult::Answer(known.and_then(|known| known.progress).map(of_domain)))
            });
        let world = World { carrier, fate: Fate::Answered };
        Self { shop, world, postal_code, published: vec![], delivered: false, to_be_cancelled: false }
    }

    fn booking(&self) -> Option<carrier::Booking> {
        self.world.carrier.work.bookings.iter().next().cloned()
    }

    fn go(&mut self, step: Step) {
        let mut event = |kind: &str, body: &serde_json::Value, id: u128| {
            let input = decode(kind, body.to_string().as_bytes()).unwrap().unwrap();
            self.shop.decide(&support::event(Uuid::from_u128(id), input));
        };
        match step {
            Step::Confirm => event("OrderConfirmed.v1", &confirmed(self.postal_code), 1),
            Step::RequestCancellation(id) => {
                event("OrderCancellationRequested.v1", &serde_json::json!({}), 10 + u128::from(id));
                self.to_be_cancelled = true;
            }
            Step::Call(nth, fate) => self.call(nth, fate, true),
            Step::CallAndCrash(nth) => self.call(nth, Fate::Answered, false),
            Step::PickUp => {
                let Ok(_) = self.world.carrier.command(PickUp { key: booking_key(ORDER) });
            }
            Step::Deliver => {
                // The carrier marks a parcel as delivered once its update is accepted.
                if self.delivered {
                    let deliver = carrier::Deliver { key: booking_key(ORDER), at: now() };
                    let Ok(_) = self.world.carrier.command(deliver);
                }
            }
            Step::UpdatePickedUp => self.send_update(Progress::PickedUp),
            Step::UpdateDelivered => self.send_update(Progress::Delivered { at: now() }),
            Step::Ask => {
                if self.shop.reminders.contains_key(&(ORDER, "AskCarrier".into())) {
                    self.shop.fire(ORDER, "AskCarrier");
                }
            }
        }
        self.published.extend(self.shop.published());
    }

    fn call(&mut self, nth: usize, fate: Fate, keep_outcome: bool) {
        if let Some(key) = self.shop.effects.keys().nth(nth).cloned() {
            self.world.fate = fate;
            self.shop.perform(&key, &mut self.world, keep_outcome);
        }
    }

    fn send_update(&mut self, progress: Progress) {
        let Some(booking) = self.booking().filter(|booking| booking.picked_up_at.is_some()) else { return };
        let tracking_number = booking.tracking_number;
        let sent = self.shop.command(CarrierUpdate { order_id: ORDER, tracking_number, progress });
        self.delivered |= sent.is_ok() && progress != Progress::PickedUp;
    }

    /// Runs without faults until nothing is left to do.
    fn settle(&mut self) {
        self.go(Step::Confirm);
        for _ in 0..20 {
            for step in [
                Step::Call(0, Fate::Answered),
                Step::PickUp,
                Step::UpdatePickedUp,
                Step::UpdateDelivered,
                Step::Deliver,
            ] {
                self.go(step);
            }
        }
    }

    fn count(&self, event: &str) -> usize {
        self.published.iter().filter(|published| *published == event).count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn they_agree_in_the_end(steps in prop::collection::vec(step(), 0..40), refused in prop::bool::weighted(0.1)) {
        let mut stage = Stage::new(if refused { "REFUSED" } else { "N1 1AA" });
        for step in steps {
            stage.go(step);
            let picked_up = stage.booking().is_some_and(|booking| booking.picked_up_at.is_some());
            prop_assert!(picked_up || stage.count("OrderShipped") == 0, "shipped before it was picked up");
            let waits = stage.shop.effects.contains_key(&format!("track:{ORDER}"));
            prop_assert!(!waits || stage.shop.reminders.is_empty(), "a reminder and a query at once");
        }
        stage.settle();

        prop_assert_eq!(stage.shop.asked(), Vec::<&str>::new(), "no request is left");
        prop_assert!(stage.shop.reminders.is_empty(), "no reminder is left");
        let (shop, booking) = (name(&stage.shop), stage.booking());
        let carrier = match &booking {
            None => "NONE",
            Some(booking) if booking.refused.is_some() => "REFUSED",
            Some(booking) if booking.delivered_at.is_some() => "DELIVERED",
            Some(booking) if booking.cancelled_at.is_some() => "CANCELLED",
            Some(_) => "WAITING",
        };
        let ends = [("DELIVERED", "DELIVERED"), ("CANCELLED", "CANCELLED"), ("CANCELLED", "NONE"), ("FAILED", "REFUSED")];
        prop_assert!(ends.contains(&(&*shop, carrier)), "{} here, {} there", shop, carrier);
        for event in ["OrderShipped", "OrderDelivered", "ShipmentFailed", "ShipmentCancelled"] {
            prop_assert!(stage.count(event) <= 1, "{event} twice");
        }
        let answered = stage.count("ShipmentCancelled") + stage.count("ShipmentCancellationRefused") > 0;
        prop_assert!(!stage.to_be_cancelled || answered || shop == "FAILED", "the cancellation request is not answered");
        prop_assert_eq!(stage.count("OrderShipped"), usize::from(shop == "DELIVERED"));
        prop_assert_eq!(stage.count("OrderDelivered"), usize::from(shop == "DELIVERED"));
        prop_assert_eq!(stage.count("ShipmentFailed"), usize::from(shop == "FAILED"));
        prop_assert_eq!(stage.count("ShipmentCancelled"), usize::from(shop == "CANCELLED"));
    }
}

#[test]
fn the_carrier_books_once_per_key_and_answers_the_same() {
    let mut stage = Stage::new("N1 1AA");
    stage.go(Step::Confirm);
    stage.go(Step::CallAndCrash(0));
    let first = stage.booking();
    stage.go(Step::Call(0, Fate::Answered));
    assert_eq!((stage.booking(), name(&stage.shop)), (first, "BOOKED".to_owned()));
}
