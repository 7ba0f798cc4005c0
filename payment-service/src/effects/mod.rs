//! Calls to the payment provider.

mod http_provider;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use saga::{CallError, Perform};

use crate::domain::{Charge, ChargeAnswer, CloseAnswer, CloseCharge, Found, QueryCharge, Refund, Refunded, charge_key};

pub use http_provider::HttpProvider;

/// What an attempt comes to.
pub type Answered<'a, A> = BoxFuture<'a, Result<A, CallError>>;

/// A payment provider, as far as orders need one.
///
/// What was done under a key is never done again: a repeat gets the first answer. An adapter says `Failed` only when it
/// knows that nothing has happened; whatever else goes wrong is `Unknown`.
pub trait Provider: Send + Sync + 'static {
    /// Takes the money. Under a closed key it is declined.
    fn charge<'a>(&'a self, key: &'a str, charge: &'a Charge) -> Answered<'a, ChargeAnswer>;

    /// What is known about the charge with this key.
    fn query<'a>(&'a self, key: &'a str, query: &'a QueryCharge) -> Answered<'a, Found>;

    /// Afterwards the charge with this key can never happen, if it has not; also one that is still on its way, and one the
    /// provider has never heard of. (Where a provider has nothing like it, an adapter repeats the charge with the same key, and
    /// says that it was charged already: then it is refunded.)
    fn close<'a>(&'a self, key: &'a str, close: &'a CloseCharge) -> Answered<'a, CloseAnswer>;

    /// Pays back. A refusal is `Failed`: it is tried until it succeeds.
    fn refund<'a>(&'a self, key: &'a str, refund: &'a Refund) -> Answered<'a, Refunded>;
}

/// Performs what the domain asks for at the provider.
#[derive(Clone)]
pub struct Calls(pub Arc<dyn Provider>);

impl Perform<Charge> for Calls {
    async fn perform(&self, request: &Charge, key: &str) -> Result<ChargeAnswer, CallError> {
        self.0.charge(key, request).await
    }
}

impl Perform<QueryCharge> for Calls {
    async fn perform(&self, request: &QueryCharge, _: &str) -> Result<Found, CallError> {
        self.0.query(&charge_key(request.order_id), request).await
    }
}

impl Perform<CloseCharge> for Calls {
    async fn perform(&self, request: &CloseCharge, _: &str) -> Result<CloseAnswer, CallError> {
        self.0.close(&charge_key(request.order_id), request).await
    }
}

impl Perform<Refund> for Calls {
    async fn perform(&self, request: &Refund, key: &str) -> Result<Refunded, CallError> {
        self.0.refund(key, request).await
    }
}
