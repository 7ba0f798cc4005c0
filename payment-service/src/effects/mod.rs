//! Calls to the payment provider.

mod http_provider;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use saga::{CallError, Perform};

use crate::domain::{Charge, ChargeAnswer, CloseAnswer, CloseCharge, Found, QueryCharge, Refund, Refunded, charge_key};

pub use http_provider::HttpProvider;

/// The result of a call.
pub type ProviderCall<'a, A> = BoxFuture<'a, Result<A, CallError>>;

/// The port of a payment provider.
///
/// A call with the key of an earlier call has no effect and returns the first answer. An adapter returns `Failed` only when
/// the call certainly had no effect, and `Unknown` for every other error.
pub trait Provider: Send + Sync + 'static {
    /// Charges the amount. With a closed key the charge is declined.
    fn charge<'a>(&'a self, key: &'a str, charge: &'a Charge) -> ProviderCall<'a, ChargeAnswer>;

    /// Returns the provider's record of the charge with this key.
    fn query<'a>(&'a self, key: &'a str, query: &'a QueryCharge) -> ProviderCall<'a, Found>;

    /// Closes the key: from now on no charge with it succeeds, neither one in flight nor one unknown to the provider. (For a
    /// provider without such a call, an adapter repeats the charge with the same key and returns `AlreadyCharged`: the charge
    /// is then refunded.)
    fn close<'a>(&'a self, key: &'a str, close: &'a CloseCharge) -> ProviderCall<'a, CloseAnswer>;

    /// Refunds the amount. A refusal is `Failed`: the call is retried until it succeeds.
    fn refund<'a>(&'a self, key: &'a str, refund: &'a Refund) -> ProviderCall<'a, Refunded>;
}

/// Performs the requests of the domain at the provider.
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
