//! Calls to the provider, with the faults that its behaviour and the token ask for.

use std::{fmt::Display, time::Duration};

use rand::Rng;
use saga::{App, CallError, Command, Rejected};
use telemetry::Trace;

use super::{
    Charge, ChargeAnswer, ChargeReply, Close, CloseAnswer, Fate, PaymentProvider, Query, QueryAnswer, Refund, Refunded,
};

/// How long a call without an answer takes: longer than any caller waits (see `payment.timeout`).
const SILENCE: Duration = Duration::from_mins(1);

impl PaymentProvider {
    /// Takes the money, once per key. The answer takes the time that the token asks for, or never
    /// comes.
    pub async fn charge(&self, charge: Charge) -> Result<ChargeAnswer, CallError> {
        let reply = self.call(charge).await?;
        if let ChargeReply::Slowly(_) = reply {
            let millis = rand::rng().random_range(1000..2000);
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        match reply.received() {
            Some(received) => received,
            None => silence().await,
        }
    }

    pub async fn query(&self, query: Query) -> Result<QueryAnswer, CallError> {
        self.call(query).await
    }

    /// After this nothing is charged under the key.
    pub async fn close(&self, close: Close) -> Result<CloseAnswer, CallError> {
        self.call(close).await
    }

    /// Pays back, once per key.
    pub async fn refund(&self, refund: Refund) -> Result<Refunded, CallError> {
        self.call(refund).await
    }

    async fn call<C: Command<Refusal: Display>>(&self, command: C) -> Result<C::Reply, CallError> {
        let (fate, latency) = self.draw();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        match fate {
            Fate::Failed => return Err(CallError::Failed("the provider cannot be reached".into())),
            Fate::Lost => return silence().await,
            Fate::Answered | Fate::AnswerLost => {}
        }
        let app: &App = self.app.get().ok_or_else(|| CallError::Failed("the provider does not run yet".into()))?;
        let reply = app.execute(command, Trace::default()).await.map_err(|refused| match refused {
            Rejected::Refused(refusal) => CallError::Failed(refusal.to_string()),
            Rejected::Overloaded => CallError::Failed("the provider is overloaded".into()),
            // The connection may have broken after the commit.
            Rejected::Failed | Rejected::KeyReused | Rejected::InProgress => {
                CallError::Unknown("the connection was lost".into())
            }
        })?;
        if fate == Fate::AnswerLost { silence().await } else { Ok(reply) }
    }

    fn draw(&self) -> (Fate, Duration) {
        let behaviour = self.behaviour();
        let mut random = rand::rng();
        (behaviour.fate(random.random()), behaviour.latency(random.random()))
    }
}

async fn silence<A>() -> Result<A, CallError> {
    tokio::time::sleep(SILENCE).await;
    Err(CallError::Unknown("the provider did not answer".into()))
}
