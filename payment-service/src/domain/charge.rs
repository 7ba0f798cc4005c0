//! An order's charge: noted, made, found out about, or called off.

use chrono::TimeDelta;
use events::{Currency, Money, PaymentFailed, PaymentProcessed, RefundReason};
use saga::{
    CallResult, Consequences, Outcome, Seen,
    Verdict::{self, Done, Hold, Ignored},
};
use store::Json;
use uuid::Uuid;

use super::{
    Account, Charge, ChargeAnswer, CloseAnswer, CloseCharge, Found, Operation, OrderCreated, QueryCharge, Result,
    State, charge_key,
};
use crate::store::{Payment, Payments};

/// The longest wait between two questions to the provider.
const LONGEST_WAIT: i64 = 60;

impl Payments {
    /// `OrderCreated`: what it will cost, and how it will be paid.
    pub fn note(&mut self, order: Uuid, wanted: &OrderCreated, out: &mut Consequences) -> Verdict {
        if self.rows.get(&order).is_some() {
            return Ignored("noted before, or cancelled before it came");
        }
        self.rows.insert(Payment {
            method: wanted.payment.method.clone(),
            token: Json(wanted.payment.token.clone()),
            currency: wanted.currency.to_string(),
            amount_minor: wanted.total_amount.minor(),
            ..Payment::new(order, out.new_id(), State::Noted)
        });
        Done
    }

    /// `InventoryReserved`: charge it.
    pub fn charge(&mut self, order: Uuid, out: &mut Consequences) -> Verdict {
        match self.rows.get(&order).map(|payment| payment.state) {
            None => return Hold("the order itself has not arrived"),
            Some(State::Noted) => {}
            Some(_) => return Ignored("charged before, or cancelled"),
        }
        self.at(order).request_charge(out);
        Done
    }

    /// `OrderCancelled`: nothing is charged any more, and what was charged is paid back. What nobody has asked for yet
    /// never will be charged: a tombstone. While a charge is in flight nobody knows: its key is closed at the provider,
    /// which says whether that came in time.
    pub fn cancel(&mut self, order: Uuid, out: &mut Consequences) -> Verdict {
        let Some(payment) = self.rows.get(&order) else {
            self.rows.insert(Payment::new(order, out.new_id(), State::Voided));
            return Done;
        };
        match payment.state {
            State::Noted => self.at(order).state = State::Voided,
            State::Charging | State::Unknown => {
                self.at(order).state = State::CancelWait;
                out.request(&CloseCharge { order_id: order });
            }
            State::Charged => self.at(order).refund_rest(RefundReason::OrderCancelled, out),
            State::CancelWait | State::Refunding | State::Refunded | State::Declined | State::Voided => {
                return Ignored("cancelled before, or nothing to undo");
            }
        }
        Done
    }

    /// The provider's word about a charge, or its silence. Silence is no decline.
    pub fn charge_answered(&mut self, order: Uuid, said: &CallResult<ChargeAnswer>, out: &mut Consequences) -> Verdict {
        match said {
            CallResult::Answer(answer) => self.settle(order, Operation::Charge, answer, out),
            CallResult::Unknown(why) | CallResult::Exhausted(why) | CallResult::KeyExpired(why) => {
                if self.state(order) != Some(State::Charging) {
                    return Ignored("settled, or being closed");
                }
                let payment = self.at(order);
                payment.attempted(out.now(), Operation::Charge, Result::Unknown, why);
                payment.state = State::Unknown;
                payment.unknown_since.get_or_insert(out.now());
                payment.ask_later(out);
                Done
            }
        }
    }

    /// What the provider knows about an unanswered charge. "Not found" is no answer, for the charge may be on its way: it
    /// is made again with the same key. After `query_for` the provider may have forgotten the key, and making it again could
    /// charge twice: it stays unknown, for a person.
    pub fn query_answered(
        &mut self,
        order: Uuid,
        outcome: &Outcome<QueryCharge>,
        query_for: TimeDelta,
        out: &mut Consequences,
    ) -> Verdict {
        if let CallResult::Answer(Found::Settled(answer)) = &outcome.result {
            return self.settle(order, Operation::Query, answer, out);
        }
        let waiting = |payment: &Payment| payment.state == State::Unknown && payment.queries == outcome.request.number;
        if !self.rows.get(&order).is_some_and(waiting) {
            return Ignored("settled, being closed, or asked again since");
        }
        let payment = self.at(order);
        let in_time = payment.unknown_since.is_none_or(|since| out.now() < since + query_for);
        match &outcome.result {
            CallResult::Answer(_) => payment.attempted(out.now(), Operation::Query, Result::Ok, "not found"),
            CallResult::Unknown(why) | CallResult::Exhausted(why) | CallResult::KeyExpired(why) => {
                payment.attempted(out.now(), Operation::Query, Result::Error, why);
            }
        }
        match &outcome.result {
            _ if !in_time => {
                payment.attempted(out.now(), Operation::Query, Result::Unknown, "left to a person");
            }
            CallResult::Answer(_) => payment.request_charge(out),
            CallResult::Unknown(_) | CallResult::Exhausted(_) | CallResult::KeyExpired(_) => payment.ask_later(out),
        }
        Done
    }

    /// Whether closing the charge's key came in time.
    pub fn close_answered(&mut self, order: Uuid, said: &CallResult<CloseAnswer>, out: &mut Consequences) -> Verdict {
        match said {
            CallResult::Answer(CloseAnswer::AlreadyCharged { reference }) => {
                let charged = ChargeAnswer::Charged { reference: reference.clone() };
                self.settle(order, Operation::Close, &charged, out)
            }
            _ if self.state(order) != Some(State::CancelWait) => Ignored("settled before"),
            CallResult::Answer(CloseAnswer::Closed) => {
                let payment = self.at(order);
                payment.attempted(out.now(), Operation::Close, Result::Ok, "closed");
                payment.state = State::Voided;
                Done
            }
            CallResult::Unknown(_) | CallResult::Exhausted(_) | CallResult::KeyExpired(_) => {
                out.request(&CloseCharge { order_id: order });
                Done
            }
        }
    }

    /// The provider has given a definite answer.
    fn settle(&mut self, order: Uuid, by: Operation, answer: &ChargeAnswer, out: &mut Consequences) -> Verdict {
        let cancelled = match self.state(order) {
            Some(State::Charging | State::Unknown) => false,
            Some(State::CancelWait) => true,
            _ => return Ignored("settled before"),
        };
        let payment = self.at(order);
        match answer {
            ChargeAnswer::Charged { reference } => {
                payment.attempted(out.now(), by, Result::Ok, reference);
                payment.charged(reference, out);
                if cancelled {
                    payment.refund_rest(RefundReason::OrderCancelled, out);
                }
            }
            ChargeAnswer::Declined { reason } => {
                payment.attempted(out.now(), by, Result::Declined, reason.as_str());
                payment.reason = Some(reason.to_string());
                if cancelled {
                    payment.state = State::Voided; // nobody waits for a payment any more
                } else {
                    payment.state = State::Declined;
                    let (amount, currency) = (payment.amount(), payment.currency());
                    out.publish(&mut payment.sequence, &PaymentFailed { reason: *reason, amount, currency });
                }
            }
        }
        Done
    }

    fn state(&self, order: Uuid) -> Option<State> {
        self.rows.get(&order).map(|payment| payment.state)
    }

    pub(super) fn at(&mut self, order: Uuid) -> &mut Payment {
        self.rows.get_mut(&order).expect("looked at just before")
    }
}

impl Payment {
    fn new(order_id: Uuid, payment_id: Uuid, state: State) -> Self {
        Self {
            order_id,
            payment_id,
            state,
            reason: None,
            method: String::new(),
            token: Json::default(),
            currency: String::new(),
            amount_minor: 0,
            refunded_minor: 0,
            shipped: false,
            provider_reference: None,
            attempts: Json::default(),
            ledger: Json::default(),
            refunds: Json::default(),
            queries: 0,
            unknown_since: None,
            sequence: 0,
            seen: Seen::default(),
        }
    }

    pub fn amount(&self) -> Money {
        Money::from_minor(self.amount_minor)
    }

    /// Panics for a tombstone, which knows none.
    pub(super) fn currency(&self) -> Currency {
        Currency::parse(&self.currency).expect("noted with the order")
    }

    /// With the same key, however often.
    fn request_charge(&mut self, out: &mut Consequences) {
        self.state = State::Charging;
        let (order_id, token) = (self.order_id, self.token.0.clone());
        out.request(&Charge { order_id, amount: self.amount(), currency: self.currency(), token });
    }

    /// 1 s, 2 s, 4 s … 1 min.
    fn ask_later(&mut self, out: &mut Consequences) {
        let wait = TimeDelta::seconds((1 << self.queries.min(6)).min(LONGEST_WAIT));
        self.queries += 1;
        out.request_at(out.now() + wait, &QueryCharge { order_id: self.order_id, number: self.queries });
    }

    fn charged(&mut self, reference: &str, out: &mut Consequences) {
        self.state = State::Charged;
        self.provider_reference = Some(reference.to_owned());
        let (payment_id, amount, currency) = (self.payment_id, self.amount(), self.currency());
        self.post(out.now(), Account::Provider, Account::Charged, amount, &charge_key(self.order_id));
        let payment_method = self.method.clone();
        out.publish(&mut self.sequence, &PaymentProcessed { payment_id, amount, currency, payment_method });
    }
}
