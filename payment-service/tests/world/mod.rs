//! The service and the sandbox provider in memory, and a connection between them that loses calls or answers on demand.
#![allow(dead_code, reason = "each test file uses a part")]

use chrono::{DateTime, TimeDelta};
use clock::{Clock, ManualClock};
use events::choreography;
use payment_service::{
    domain::{Charge, CloseCharge, PaymentRules, QueryCharge, Refund, State, charge_key, rows::Payment},
    saga::PaymentSaga,
};
use saga::{CallResult, Request};
use sandbox::payment_provider::{self, Operation, SandboxProvider, Status};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use testkit::{Ended, Node};
use uuid::Uuid;

pub const ORDER: Uuid = Uuid::from_u128(9);
/// In hundredths.
pub const AMOUNT: i64 = 5990;

pub type Service = Node<PaymentSaga, Outside>;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wire {
    #[default]
    Intact,
    /// The call does not arrive.
    LosesCalls,
    /// The call has its effect, and the answer does not arrive.
    LosesAnswers,
}

pub struct Outside {
    pub bank: Node<SandboxProvider>,
    pub wire: Wire,
}

impl Outside {
    /// The result of a call over the wire; `None`: a failure, to be retried.
    fn call<A>(
        &mut self,
        call: impl FnOnce(&mut Node<SandboxProvider>) -> Option<A>,
        lost: Option<CallResult<A>>,
    ) -> Option<CallResult<A>> {
        match self.wire {
            Wire::LosesCalls => lost,
            Wire::LosesAnswers => {
                call(&mut self.bank);
                lost
            }
            Wire::Intact => call(&mut self.bank).map(CallResult::Answer).or(lost),
        }
    }

    /// Fires the reminder of a late charge, if there is one.
    pub fn land(&mut self) {
        for (key, name) in self.bank.reminders.keys().cloned().collect::<Vec<_>>() {
            self.bank.fire(key, &name);
        }
    }

    /// What the provider has moved for the order: number of charges, amount charged, amount refunded.
    pub fn moved(&self) -> (usize, i64, i64) {
        let (mut times, mut charged, mut refunded) = (0, 0, 0);
        for entry in self.bank.work.entries.iter().filter(|entry| entry.status == Status::Done) {
            match entry.operation {
                Operation::Charge => (times, charged) = (times + 1, charged + entry.amount_minor),
                Operation::Refund => refunded += entry.amount_minor,
            }
        }
        (times, charged, refunded)
    }
}

/// Converts an answer of the sandbox to the domain's type, which has the same JSON.
fn of_domain<A: Serialize, B: DeserializeOwned>(answer: A) -> B {
    serde_json::from_value(serde_json::to_value(answer).unwrap()).unwrap()
}

pub struct World {
    pub service: Service,
    pub outside: Outside,
    pub time: ManualClock,
    pub clock: Clock,
}

impl World {
    pub fn new() -> Self {
        let (clock, time) = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap(), 1);
        let saga = PaymentSaga { rules: PaymentRules { query_for: TimeDelta::hours(20) } };
        let unanswered = |what: &str| format!("{what} was not answered");
        let service = Node::new("payment-service", saga, choreography::heard_by("payment"), clock.clone())
            .performs::<Charge>(move |charge, outside: &mut Outside| {
                // A failure is a definite answer: the request is retried.
                let mut failed = false;
                let call = |bank: &mut Node<SandboxProvider>| {
                    let Charge { order_id, amount, currency, ref token } = *charge;
                    let (key, token) = (charge_key(order_id), token.to_string());
                    let Ok(reply) = bank.command(payment_provider::Charge { key, order_id, amount, currency, token });
                    let received = reply.received();
                    failed = matches!(received, Some(Err(_)));
                    received.and_then(Result::ok).map(of_domain)
                };
                let result = outside.call(call, Some(CallResult::Unknown(unanswered("the charge"))));
                result.filter(|_| !failed)
            })
            .performs::<QueryCharge>(move |query, outside: &mut Outside| {
                let (key, order_id) = (charge_key(query.order_id), query.order_id);
                let query = payment_provider::Query { key, order_id };
                let call = |bank: &mut Node<SandboxProvider>| bank.command(query).ok().map(of_domain);
                outside.call(call, Some(CallResult::Exhausted(unanswered("the query"))))
            })
            .performs::<CloseCharge>(|close, outside: &mut Outside| {
                let (key, order_id) = (charge_key(close.order_id), close.order_id);
                let close = payment_provider::Close { key, order_id };
                outside.call(|bank| bank.command(close).ok().map(of_domain), None)
            })
            .performs::<Refund>(|refund, outside: &mut Outside| {
                let (key, order_id, amount) = (refund.idempotency_key(), refund.order_id, refund.amount);
                let refund = payment_provider::Refund { key, order_id, charge_key: charge_key(order_id), amount };
                outside.call(|bank| Some(of_domain(bank.command(refund).expect("is accepted"))), None)
            });
        let bank = Node::new("payment-provider", SandboxProvider, [], clock.clone());
        Self { service, outside: Outside { bank, wire: Wire::Intact }, time, clock }
    }

    /// A world in which the order has been placed.
    pub fn with_order(token: &str) -> Self {
        let mut world = Self::new();
        world.ordered(token);
        world
    }

    pub fn ordered(&mut self, token: &str) -> Ended {
        let payment = json!({ "method": "card", "token": token });
        let order = json!({ "currency": "EUR", "totalAmount": "59.90", "payment": payment });
        self.service.event(ORDER, "OrderCreated.v1", &order)
    }

    pub fn receive(&mut self, event: &str) -> Ended {
        self.service.event(ORDER, &format!("{event}.v1"), &json!({}))
    }

    /// Performs the nth pending request when it is due.
    pub fn perform(&mut self, nth: usize, keep_outcome: bool) {
        let Some((key, due)) = self.service.effects.iter().nth(nth).map(|(key, it)| (key.clone(), it.due)) else {
            return;
        };
        if due > self.clock.now() {
            self.time.set(due);
        }
        self.service.perform(&key, &mut self.outside, keep_outcome);
    }

    /// Performs all pending requests over an intact wire until none is left.
    pub fn settle(&mut self) {
        self.outside.wire = Wire::Intact;
        for _ in 0..100 {
            if self.service.effects.is_empty() {
                self.outside.land();
                return;
            }
            self.perform(0, true);
        }
        panic!("requests are still pending: {:?}", self.service.asked());
    }

    pub fn payment(&self) -> Option<&Payment> {
        self.service.work.rows.get(&ORDER)
    }

    pub fn state(&self) -> Option<State> {
        self.payment().map(|payment| payment.state)
    }
}
