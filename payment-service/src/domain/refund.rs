//! Paying back: a part or all of it, ordered by a person or owed because the order was cancelled.

use events::{Currency, Money, PaymentRefunded, RefundReason};
use saga::{
    CallResult, Consequences, Outcome, Request,
    Verdict::{self, Done, Hold, Ignored},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Account, Operation, Refund, Result, State};
use crate::store::{Payment, Payments};

/// A refund of a payment, as its row keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repayment {
    pub refund_id: Uuid,
    pub amount: Money,
    pub reason: RefundReason,
    pub note: Option<String>,
    /// The provider has paid it back.
    pub done: bool,
}

/// Somebody of the shop orders a refund.
#[derive(Debug)]
pub struct RefundPayment {
    pub order_id: Uuid,
    pub amount: Money,
    pub note: String,
}

/// A refund that will be paid; it is announced when it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefundAccepted {
    pub refund_id: Uuid,
    pub order_id: Uuid,
    #[schema(value_type = String, example = "29.95")]
    pub amount: Money,
    #[schema(value_type = String, example = "EUR")]
    pub currency: Currency,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundRefusal {
    NoSuchPayment,
    /// More than is left of the charge, which is this much.
    ExceedsCharge(Money),
    /// All of it, before the order is shipped: it would be shipped unpaid.
    CancelInstead,
}

impl Payments {
    pub fn refund(
        &mut self,
        wanted: &RefundPayment,
        out: &mut Consequences,
    ) -> std::result::Result<RefundAccepted, RefundRefusal> {
        let payment = self.rows.get(&wanted.order_id).ok_or(RefundRefusal::NoSuchPayment)?;
        let left = payment.left();
        if wanted.amount > left {
            return Err(RefundRefusal::ExceedsCharge(left));
        }
        let all = wanted.amount == left;
        if all && !payment.shipped {
            return Err(RefundRefusal::CancelInstead);
        }
        let payment = self.at(wanted.order_id);
        if all {
            payment.state = State::Refunding;
        }
        let refund_id = payment.request_refund(wanted.amount, RefundReason::Requested, Some(&wanted.note), out);
        let (order_id, amount, currency) = (wanted.order_id, wanted.amount, payment.currency());
        Ok(RefundAccepted { refund_id, order_id, amount, currency })
    }

    /// `OrderShipped`: from now on a refund in full needs no cancellation.
    pub fn shipped(&mut self, order: Uuid) -> Verdict {
        match self.rows.get(&order).map(|payment| payment.shipped) {
            None => Hold("the order itself has not arrived"),
            Some(true) => Ignored("known before"),
            Some(false) => {
                self.at(order).shipped = true;
                Done
            }
        }
    }

    /// The provider has paid back.
    pub fn refund_answered(&mut self, order: Uuid, outcome: &Outcome<Refund>, out: &mut Consequences) -> Verdict {
        let refund = &outcome.request;
        let open = |payment: &Payment| payment.refunds.iter().any(|it| it.refund_id == refund.refund_id && !it.done);
        if !self.rows.get(&order).is_some_and(open) {
            return Ignored("paid back before");
        }
        match &outcome.result {
            CallResult::Answer(paid) => {
                let payment = self.at(order);
                payment.attempted(out.now(), Operation::Refund, Result::Ok, &paid.reference);
                payment.paid_back(refund, out);
            }
            // What is owed is owed, however often it takes.
            CallResult::Unknown(_) | CallResult::Exhausted(_) => out.request(refund),
            // Another call could pay it back twice: the refund stays open.
            CallResult::KeyExpired(why) => {
                let why = format!("left to a person: {why}");
                self.at(order).attempted(out.now(), Operation::Refund, Result::Unknown, &why);
            }
        }
        Done
    }
}

impl Payment {
    pub fn refunded(&self) -> Money {
        Money::from_minor(self.refunded_minor)
    }

    /// What of the charge is neither paid back nor about to be.
    pub fn left(&self) -> Money {
        if self.state != State::Charged {
            return Money::ZERO;
        }
        let promised: i64 = self.refunds.iter().map(|refund| refund.amount.minor()).sum();
        Money::from_minor(self.amount_minor - promised)
    }

    /// Pays back all that is left.
    pub(super) fn refund_rest(&mut self, reason: RefundReason, out: &mut Consequences) {
        let left = self.left();
        self.state = State::Refunding;
        self.request_refund(left, reason, None, out);
    }

    fn request_refund(
        &mut self,
        amount: Money,
        reason: RefundReason,
        note: Option<&str>,
        out: &mut Consequences,
    ) -> Uuid {
        let refund_id = out.new_id();
        let note = note.map(str::to_owned);
        self.refunds.push(Repayment { refund_id, amount, reason, note, done: false });
        let reference = self.provider_reference.clone().expect("only what was charged is paid back");
        out.request(&Refund { refund_id, order_id: self.order_id, reference, amount, currency: self.currency() });
        refund_id
    }

    fn paid_back(&mut self, refund: &Refund, out: &mut Consequences) {
        self.post(out.now(), Account::Refunded, Account::Provider, refund.amount, &refund.idempotency_key());
        self.refunded_minor += refund.amount.minor();
        if self.refunded_minor == self.amount_minor {
            self.state = State::Refunded;
        }
        let (payment_id, refunded_total, currency) = (self.payment_id, self.refunded(), self.currency());
        let noted = self.refunds.iter_mut().find(|it| it.refund_id == refund.refund_id).expect("looked for before");
        noted.done = true;
        let (reason, note) = (noted.reason, noted.note.clone());
        let Refund { refund_id, amount, .. } = *refund;
        let told = PaymentRefunded { refund_id, payment_id, amount, refunded_total, currency, reason, note };
        out.publish(&mut self.sequence, &told);
    }
}
