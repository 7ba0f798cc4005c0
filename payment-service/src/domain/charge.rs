//! An order's charge: recorded, requested, queried, closed.

use chrono::TimeDelta;
use events::{Currency, Money, PaymentFailed, PaymentProcessed, RefundReason};
use saga::{
    CallResult, Consequences, Outcome, Seen,
    Verdict::{self, Done, Hold, Ignored},
};
use store::Json;
use uuid::Uuid;

use super::{
    Account, Charge, ChargeAnswer, CloseAnswer, CloseCharge, Found, Operation, OrderCreated, PaymentRules, QueryCharge,
    Result, State, charge_key,
    rows::{Payment, Payments},
};

/// The maximum delay before a query, in seconds.
const MAX_QUERY_DELAY: i64 = 60;

impl Payments {
    /// `OrderCreated`: records the amount and the payment method.
    pub fn record(&mut self, order: Uuid, created: &OrderCreated, out: &mut Consequences) -> Verdict {
        if self.rows.get(&order).is_some() {
            return Ignored("the order is already recorded or cancelled");
        }
        self.rows.insert(Payment {
            method: created.payment.method.clone(),
            token: Json(created.payment.token.clone()),
            currency: created.currency.to_string(),
            amount_minor: created.total_amount.minor(),
            ..Payment::new(order, out.new_id(), State::Noted)
        });
        Done
    }

    /// `InventoryReserved`: requests the charge.
    pub fn charge(&mut self, order: Uuid, out: &mut Consequences) -> Verdict {
        match self.rows.get(&order).map(|payment| payment.state) {
            None => return Hold("`OrderCreated` has not arrived"),
            Some(State::Noted) => {}
            Some(_) => return Ignored("the charge is already requested, or the order is cancelled"),
        }
        self.at(order).request_charge(out);
        Done
    }

    /// `OrderCancelled`: voids a payment without a charge, refunds a charged one, and closes the key of a charge in flight:
    /// the provider answers whether it was charged before. A cancellation that arrives before the order leaves a tombstone.
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
                return Ignored("the order is already cancelled, or there is nothing to undo");
            }
        }
        Done
    }

    /// The outcome of a charge request. A time-out is not a decline: the result is queried.
    pub fn charge_answered(
        &mut self,
        order: Uuid,
        result: &CallResult<ChargeAnswer>,
        out: &mut Consequences,
    ) -> Verdict {
        match result {
            CallResult::Answer(answer) => self.settle(order, Operation::Charge, answer, out),
            CallResult::Unknown(why) | CallResult::Exhausted(why) | CallResult::KeyExpired(why) => {
                if self.state(order) != Some(State::Charging) {
                    return Ignored("the charge is already settled, queried or being closed");
                }
                let payment = self.at(order);
                payment.record_attempt(out.now(), Operation::Charge, Result::Unknown, why);
                payment.state = State::Unknown;
                payment.unknown_since.get_or_insert(out.now());
                payment.request_query(out);
                Done
            }
        }
    }

    /// The outcome of a query. "Not found" is not definite, because the charge may be in flight: it is requested again with
    /// the same key. After `query_for` the provider may have deleted the key, and another request could charge twice: the
    /// payment stays `UNKNOWN` for an operator.
    pub fn query_answered(
        &mut self,
        order: Uuid,
        outcome: &Outcome<QueryCharge>,
        rules: &PaymentRules,
        out: &mut Consequences,
    ) -> Verdict {
        if let CallResult::Answer(Found::Settled(answer)) = &outcome.result {
            return self.settle(order, Operation::Query, answer, out);
        }
        let waiting = |payment: &Payment| payment.state == State::Unknown && payment.queries == outcome.request.number;
        if !self.rows.get(&order).is_some_and(waiting) {
            return Ignored("the charge is settled or being closed, or the query is not the latest");
        }
        let payment = self.at(order);
        let in_time = payment.unknown_since.is_none_or(|since| out.now() < since + rules.query_for);
        match &outcome.result {
            CallResult::Answer(_) => payment.record_attempt(out.now(), Operation::Query, Result::Ok, "not found"),
            CallResult::Unknown(why) | CallResult::Exhausted(why) | CallResult::KeyExpired(why) => {
                payment.record_attempt(out.now(), Operation::Query, Result::Error, why);
            }
        }
        match &outcome.result {
            _ if !in_time => {
                payment.record_attempt(out.now(), Operation::Query, Result::Unknown, "left to a person");
            }
            CallResult::Answer(_) => payment.request_charge(out),
            CallResult::Unknown(_) | CallResult::Exhausted(_) | CallResult::KeyExpired(_) => payment.request_query(out),
        }
        Done
    }

    /// The outcome of closing the charge's key.
    pub fn close_answered(&mut self, order: Uuid, result: &CallResult<CloseAnswer>, out: &mut Consequences) -> Verdict {
        match result {
            CallResult::Answer(CloseAnswer::AlreadyCharged { reference }) => {
                let charged = ChargeAnswer::Charged { reference: reference.clone() };
                self.settle(order, Operation::Close, &charged, out)
            }
            _ if self.state(order) != Some(State::CancelWait) => Ignored("the charge is already settled"),
            CallResult::Answer(CloseAnswer::Closed) => {
                let payment = self.at(order);
                payment.record_attempt(out.now(), Operation::Close, Result::Ok, "closed");
                payment.state = State::Voided;
                Done
            }
            CallResult::Unknown(_) | CallResult::Exhausted(_) | CallResult::KeyExpired(_) => {
                out.request(&CloseCharge { order_id: order });
                Done
            }
        }
    }

    /// Applies a definite answer of the provider.
    fn settle(&mut self, order: Uuid, by: Operation, answer: &ChargeAnswer, out: &mut Consequences) -> Verdict {
        let cancelled = match self.state(order) {
            Some(State::Charging | State::Unknown) => false,
            Some(State::CancelWait) => true,
            _ => return Ignored("the charge is already settled"),
        };
        let payment = self.at(order);
        match answer {
            ChargeAnswer::Charged { reference } => {
                payment.record_attempt(out.now(), by, Result::Ok, reference);
                payment.charged(reference, out);
                if cancelled {
                    payment.refund_rest(RefundReason::OrderCancelled, out);
                }
            }
            ChargeAnswer::Declined { reason } => {
                payment.record_attempt(out.now(), by, Result::Declined, reason.as_str());
                payment.reason = Some(reason.to_string());
                if cancelled {
                    payment.state = State::Voided; // the order is cancelled: no event is needed
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
        self.rows.get_mut(&order).expect("looked up before")
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

    /// Panics for a tombstone, which has no currency.
    pub(super) fn currency(&self) -> Currency {
        Currency::parse(&self.currency).expect("recorded with the order")
    }

    /// Always with the same key.
    fn request_charge(&mut self, out: &mut Consequences) {
        self.state = State::Charging;
        let (order_id, token) = (self.order_id, self.token.0.clone());
        out.request(&Charge { order_id, amount: self.amount(), currency: self.currency(), token });
    }

    /// After 1 s, 2 s, 4 s … 1 min.
    fn request_query(&mut self, out: &mut Consequences) {
        let wait = TimeDelta::seconds((1 << self.queries.min(6)).min(MAX_QUERY_DELAY));
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
