//! The payment service's way to the sandbox in the same process, with everything that goes wrong on such a way.

use std::{fmt::Display, time::Duration};

use platform::{App, CallError, Command, Refused, Trace};
use rand::Rng;

use super::{ChargeReply, Fate, Sandbox, room};
use crate::{
    domain::{Charge, ChargeAnswer, CloseAnswer, CloseCharge, Found, QueryCharge, Refund, Refunded},
    effects::{Answered, Provider},
};

/// Longer than anybody waits for an answer (see `payment.timeout`).
const NEVER: Duration = Duration::from_mins(1);

/// The adapter of the provider port for the sandbox.
#[derive(Clone)]
pub struct SandboxProvider {
    pub(super) sandbox: Sandbox,
}

impl SandboxProvider {
    /// One call, as the sandbox's behaviour lets it go.
    pub(super) async fn call<C: Command<Refusal: Display>>(&self, command: C) -> Result<C::Reply, CallError> {
        let (fate, latency) = self.roll();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        match fate {
            Fate::Fails => return Err(CallError::Failed("the provider cannot be reached".into())),
            Fate::Lost => return silence().await,
            Fate::Answered | Fate::AnswerLost => {}
        }
        let app: &App =
            self.sandbox.app.get().ok_or_else(|| CallError::Failed("the provider does not run yet".into()))?;
        let reply = app.execute(command, Trace::default()).await.map_err(|refused| match refused {
            Refused::By(refusal) => CallError::Failed(refusal.to_string()),
            Refused::Overloaded => CallError::Failed("the provider is overloaded".into()),
            // Nothing else is certain: the connection may have broken after the commit.
            Refused::Failed | Refused::KeyReused | Refused::InProgress => {
                CallError::Unknown("the connection was lost".into())
            }
        })?;
        if fate == Fate::AnswerLost { silence().await } else { Ok(reply) }
    }

    /// A charge takes the time its token wants, and may never be answered.
    pub(super) async fn charged(&self, charge: room::Charge) -> Result<ChargeAnswer, CallError> {
        let reply = self.call(charge).await?;
        if let ChargeReply::Slowly(_) = reply {
            let millis = rand::rng().random_range(1000..2000);
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        match reply.heard() {
            Some(heard) => heard,
            None => silence().await,
        }
    }

    fn roll(&self) -> (Fate, Duration) {
        let behaviour = self.sandbox.behaviour();
        let mut random = rand::rng();
        (behaviour.fate(random.random()), behaviour.latency(random.random()))
    }
}

impl Provider for SandboxProvider {
    fn charge<'a>(&'a self, _: &'a str, charge: &'a Charge) -> Answered<'a, ChargeAnswer> {
        Box::pin(self.charged(room::Charge::from(charge)))
    }

    fn query<'a>(&'a self, _: &'a str, query: &'a QueryCharge) -> Answered<'a, Found> {
        Box::pin(self.call(room::Query::from(query)))
    }

    fn close<'a>(&'a self, _: &'a str, close: &'a CloseCharge) -> Answered<'a, CloseAnswer> {
        Box::pin(self.call(room::Close::from(close)))
    }

    fn refund<'a>(&'a self, _: &'a str, refund: &'a Refund) -> Answered<'a, Refunded> {
        Box::pin(self.call(room::Refund::from(refund)))
    }
}

/// No answer: ends long after the caller has given up.
async fn silence<A>() -> Result<A, CallError> {
    tokio::time::sleep(NEVER).await;
    Err(CallError::Unknown("the provider did not answer".into()))
}
