//! The payment service's way to a sandbox in another process.

use platform::{CallError, OutboundClient};
use serde::Serialize;

use super::wire::{AboutBody, Answer, ChargeBody, RefundBody};
use crate::{
    domain::{Charge, ChargeAnswer, CloseAnswer, CloseCharge, Found, QueryCharge, Refund, Refunded, charge_key},
    effects::{Answered, Provider},
};

/// The adapter of the provider port for `uzon serve sandbox`.
#[derive(Clone)]
pub struct RemoteProvider {
    client: OutboundClient,
}

const CHARGES: &str = "/sandbox/payment-provider/charges";

impl RemoteProvider {
    /// `url`: `http://host:port`
    pub fn new(url: &str) -> Self {
        Self { client: OutboundClient::new(url) }
    }

    fn post<'a, A>(&'a self, path: String, key: &'a str, body: impl Serialize + Send + Sync + 'a) -> Answered<'a, A>
    where
        A: TryFrom<Answer, Error = CallError>,
    {
        Box::pin(async move { self.client.post::<Answer>(&path, key, &body).await?.try_into() })
    }
}

impl Provider for RemoteProvider {
    fn charge<'a>(&'a self, key: &'a str, charge: &'a Charge) -> Answered<'a, ChargeAnswer> {
        let Charge { order_id, amount, currency, ref token } = *charge;
        let body = ChargeBody { order_id, amount, currency, token: token.to_string() };
        self.post(CHARGES.to_owned(), key, body)
    }

    fn query<'a>(&'a self, key: &'a str, query: &'a QueryCharge) -> Answered<'a, Found> {
        self.post(format!("{CHARGES}/{key}/query"), key, AboutBody { order_id: query.order_id })
    }

    fn close<'a>(&'a self, key: &'a str, close: &'a CloseCharge) -> Answered<'a, CloseAnswer> {
        self.post(format!("{CHARGES}/{key}/close"), key, AboutBody { order_id: close.order_id })
    }

    fn refund<'a>(&'a self, key: &'a str, refund: &'a Refund) -> Answered<'a, Refunded> {
        let (order_id, amount) = (refund.order_id, refund.amount);
        let body = RefundBody { order_id, charge_key: charge_key(order_id), amount };
        self.post("/sandbox/payment-provider/refunds".to_owned(), key, body)
    }
}
