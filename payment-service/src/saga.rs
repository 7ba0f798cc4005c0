//! This service's part in the saga: the rule of `domain` that each input invokes.

use saga::{Command, Consequences, Delivery, Participant, Verdict, answer};
use uuid::Uuid;

use crate::{
    domain::{PaymentRules, Payments, RefundAccepted, RefundPayment, RefundRefusal},
    inputs::Input,
};

pub struct PaymentSaga {
    pub rules: PaymentRules,
}

impl Participant for PaymentSaga {
    const NAME: &'static str = "payment";
    type Input = Input;
    type Workset = Payments;

    fn react(&self, payments: &mut Payments, it: &Delivery<Input>, out: &mut Consequences) -> Verdict {
        match &it.input {
            Input::OrderCreated(order) => payments.record(it.key, order, out),
            Input::InventoryReserved => payments.charge(it.key, out),
            Input::OrderCancelled => payments.cancel(it.key, out),
            Input::OrderShipped => payments.shipped(it.key),
            Input::Charged(outcome) => payments.charge_answered(it.key, &outcome.result, out),
            Input::Queried(outcome) => payments.query_answered(it.key, outcome, &self.rules, out),
            Input::Closed(outcome) => payments.close_answered(it.key, &outcome.result, out),
            Input::Refunded(outcome) => payments.refund_answered(it.key, outcome, out),
            Input::RefundPayment(command) => answer(command, payments.refund(command, out)),
        }
    }
}

impl Command for RefundPayment {
    type Participant = PaymentSaga;
    type Reply = RefundAccepted;
    type Refusal = RefundRefusal;

    fn key(&self) -> Uuid {
        self.order_id
    }
}
