//! The payment service's provider port on the sandbox's provider in the same process.

use payment_service::{
    domain::{self, CloseCharge, Found, QueryCharge, charge_key},
    effects::{Provider, ProviderCall},
};
use saga::Request;
use sandbox::payment_provider::{
    Charge, ChargeAnswer, Close, CloseAnswer, PaymentProvider, Query, QueryAnswer, Refund, Refunded,
};

#[derive(Clone)]
pub struct InProcessProvider(pub PaymentProvider);

impl Provider for InProcessProvider {
    fn charge<'a>(&'a self, _: &'a str, charge: &'a domain::Charge) -> ProviderCall<'a, domain::ChargeAnswer> {
        Box::pin(async { self.0.charge(charge_command(charge)).await.map(charge_answer) })
    }

    fn query<'a>(&'a self, _: &'a str, query: &'a QueryCharge) -> ProviderCall<'a, Found> {
        Box::pin(async { self.0.query(query_command(query)).await.map(query_answer) })
    }

    fn close<'a>(&'a self, _: &'a str, close: &'a CloseCharge) -> ProviderCall<'a, domain::CloseAnswer> {
        Box::pin(async { self.0.close(close_command(close)).await.map(close_answer) })
    }

    fn refund<'a>(&'a self, _: &'a str, refund: &'a domain::Refund) -> ProviderCall<'a, domain::Refunded> {
        Box::pin(async { self.0.refund(refund_command(refund)).await.map(refunded) })
    }
}

pub fn charge_command(it: &domain::Charge) -> Charge {
    let domain::Charge { order_id, amount, currency, ref token } = *it;
    Charge { key: charge_key(order_id), order_id, amount, currency, token: token.to_string() }
}

pub fn query_command(it: &QueryCharge) -> Query {
    Query { key: charge_key(it.order_id), order_id: it.order_id }
}

pub fn close_command(it: &CloseCharge) -> Close {
    Close { key: charge_key(it.order_id), order_id: it.order_id }
}

pub fn refund_command(it: &domain::Refund) -> Refund {
    let (order_id, amount) = (it.order_id, it.amount);
    Refund { key: it.idempotency_key(), order_id, charge_key: charge_key(order_id), amount }
}

pub fn charge_answer(answer: ChargeAnswer) -> domain::ChargeAnswer {
    match answer {
        ChargeAnswer::Charged { reference } => domain::ChargeAnswer::Charged { reference },
        ChargeAnswer::Declined { reason } => domain::ChargeAnswer::Declined { reason },
    }
}

pub fn query_answer(answer: QueryAnswer) -> Found {
    match answer {
        QueryAnswer::Settled(answer) => Found::Settled(charge_answer(answer)),
        QueryAnswer::NotFound => Found::NotFound,
    }
}

pub fn close_answer(answer: CloseAnswer) -> domain::CloseAnswer {
    match answer {
        CloseAnswer::Closed => domain::CloseAnswer::Closed,
        CloseAnswer::AlreadyCharged { reference } => domain::CloseAnswer::AlreadyCharged { reference },
    }
}

pub fn refunded(Refunded { reference }: Refunded) -> domain::Refunded {
    domain::Refunded { reference }
}
