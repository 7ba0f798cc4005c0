//! Refunds, in part or in full, requested by an operator or caused by a cancellation.

use events::{Currency, Money, PaymentRefunded, RefundReason};
use saga::{
    CallResult, Consequences, Outcome, Request,
    Verdict::{self, Done, Hold, Ignored},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Account, Operation, Refund, Result, State,
    rows::{Payment, Payments},
};

/// A refund of a payment, as stored in the payment's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repayment {
    pub refund_id: Uuid,
    pub amount: Money,
    pub reason: RefundReason,
    pub note: Option<String>,
    /// Whether the provider has paid.
    pub done: bool,
}

/// Requests a refund; a command of operators.
#[derive(Debug)]
pub struct RefundPayment {
    pub order_id: Uuid,
    pub amount: Money,
    pub note: String,
}

/// A refund that was accepted. `PaymentRefunded` is published when the provider has paid.
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
    /// The amount exceeds what is left of the charge; this is left.
    ExceedsCharge(Money),
    /// A full refund before the order is shipped: the order would be shipped unpaid.
    CancelInstead,
}

impl Payments {
    pub fn refund(
        &mut self,
        command: &RefundPayment,
        out: &mut Consequences,
    ) -> std::result::Result<RefundAccepted, RefundRefusal> {
        let payment = self.rows.get(&command.order_id).ok_or(RefundRefusal::NoSuchPayment)?;
        let left = payment.left();
        if command.amount > left {
            return Err(RefundRefusal::ExceedsCharge(left));
        }
        let all = command.amount == left;
        if all && !payment.shipped {
            return Err(RefundRefusal::CancelInstead);
        }
        let payment = self.at(command.order_id);
        if all {
            payment.state = State::Refunding;
        }
        let refund_id = payment.request_refund(command.amount, RefundReason::Requested, Some(&command.note), out);
        let (order_id, amount, currency) = (command.order_id, command.amount, payment.currency());
        Ok(RefundAccepted { refund_id, order_id, amount, currency })
    }

    /// `OrderShipped`: from now on a full refund needs no cancellation.
    pub fn shipped(&mut self, order: Uuid) -> Verdict {
        match self.rows.get(&order).map(|payment| payment.shipped) {
            None => Hold("`OrderCreated` has not arrived"),
            Some(true) => Ignored("the shipment is already recorded"),
            Some(false) => {
                self.at(order).shipped = true;
                Done
            }
        }
    }

    /// The outcome of a refund request.
    pub fn refund_answered(&mut self, order: Uuid, outcome: &Outcome<Refund>, out: &mut Consequences) -> Verdict {
        let refund = &outcome.request;
        let open = |payment: &Payment| payment.refunds.iter().any(|it| it.refund_id == refund.refund_id && !it.done);
        if !self.rows.get(&order).is_some_and(open) {
            return Ignored("there is no such open refund");
        }
        match &outcome.result {
            CallResult::Answer(paid) => {
                let payment = self.at(order);
                payment.record_attempt(out.now(), Operation::Refund, Result::Ok, &paid.reference);
                payment.complete_refund(refund, out);
            }
            // Retried until the refund is paid.
            CallResult::Unknown(_) | CallResult::Exhausted(_) => out.request(refund),
            // Another call could pay twice: the refund stays open for an operator.
            CallResult::KeyExpired(why) => {
                let why = format!("left to a person: {why}");
                self.at(order).record_attempt(out.now(), Operation::Refund, Result::Unknown, &why);
            }
        }
        Done
    }
}

impl Payment {
    pub fn refunded(&self) -> Money {
        Money::from_minor(self.refunded_minor)
    }

    /// What is left of the charge: the amount less all refunds, completed or requested.
    pub fn left(&self) -> Money {
        if self.state != State::Charged {
            return Money::ZERO;
        }
        let requested: i64 = self.refunds.iter().map(|refund| refund.amount.minor()).sum();
        Money::from_minor(self.amount_minor - requested)
    }

    /// Requests a refund of everything that is left.
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
        let reference = self.provider_reference.clone().expect("only charged payments are refunded");
        out.request(&Refund { refund_id, order_id: self.order_id, reference, amount, currency: self.currency() });
        refund_id
    }

    fn complete_refund(&mut self, refund: &Refund, out: &mut Consequences) {
        self.post(out.now(), Account::Refunded, Account::Provider, refund.amount, &refund.idempotency_key());
        self.refunded_minor += refund.amount.minor();
        if self.refunded_minor == self.amount_minor {
            self.state = State::Refunded;
        }
        let (payment_id, refunded_total, currency) = (self.payment_id, self.refunded(), self.currency());
        let row = self.refunds.iter_mut().find(|it| it.refund_id == refund.refund_id).expect("looked up before");
        row.done = true;
        let (reason, note) = (row.reason, row.note.clone());
        let Refund { refund_id, amount, .. } = *refund;
        let refunded = PaymentRefunded { refund_id, payment_id, amount, refunded_total, currency, reason, note };
        out.publish(&mut self.sequence, &refunded);
    }
}
