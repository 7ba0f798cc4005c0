//! The carrier port on a sandbox carrier in the same process, with the faults it is told to have.

use std::{convert::Infallible, future::Future};

use platform::{App, CallError, Command, Refused, Trace};

use super::{
    Sandbox,
    behaviour::Fate,
    booking::{Book, Cancel, Depot, Find, Known},
};
use crate::{
    domain::{self, BookAnswer, CancelAnswer, Progress},
    effects::Carrier,
};

/// Calls a sandbox carrier.
#[derive(Clone)]
pub struct SandboxCarrier {
    pub(super) sandbox: Sandbox,
}

impl Carrier for SandboxCarrier {
    const NAME: &'static str = "sandbox";

    async fn book(&self, key: &str, book: &domain::Book) -> Result<BookAnswer, CallError> {
        let address = &book.parcel.address;
        let (postal_code, country) = (address.postal_code.clone(), address.country.clone());
        self.booked(Book { key: key.to_owned(), order_id: book.order_id, postal_code, country }).await
    }

    async fn find(&self, key: &str) -> Result<Option<BookAnswer>, CallError> {
        Ok(self.known(key).await?.map(|known| known.answer))
    }

    async fn cancel(&self, key: &str) -> Result<CancelAnswer, CallError> {
        self.call(self.ask(Cancel { key: key.to_owned() })).await
    }

    async fn track(&self, key: &str) -> Result<Option<Progress>, CallError> {
        Ok(self.known(key).await?.and_then(|known| known.progress))
    }
}

impl SandboxCarrier {
    pub(super) async fn booked(&self, book: Book) -> Result<BookAnswer, CallError> {
        let key = book.key.clone();
        self.call(async {
            // Also when the caller does not wait for the answer: it may have been booked all the same.
            let _visited = Visited(&self.sandbox, &key);
            self.ask(book).await
        })
        .await
    }

    pub(super) async fn known(&self, key: &str) -> Result<Option<Known>, CallError> {
        self.call(self.ask(Find { key: key.to_owned() })).await
    }

    async fn ask<C: Command<Room = Depot, Refusal = Infallible>>(&self, command: C) -> Result<C::Reply, CallError> {
        let app: &App =
            self.sandbox.0.app.get().ok_or_else(|| CallError::Failed("the carrier does not run yet".to_owned()))?;
        app.execute(command, Trace::default()).await.map_err(|refused| match refused {
            Refused::Overloaded => CallError::Failed("the carrier is overloaded".to_owned()),
            _ => CallError::Unknown("the carrier has hung up".to_owned()),
        })
    }

    /// Has it happen, or not, and be answered, or not.
    async fn call<A: Send>(&self, happens: impl Future<Output = Result<A, CallError>> + Send) -> Result<A, CallError> {
        let behaviour = self.sandbox.behaviour();
        let delay = behaviour.delay(rand::random());
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match behaviour.fate(rand::random()) {
            Fate::Answered => happens.await,
            Fate::Failed if behaviour.down => Err(CallError::Failed("the carrier is down".to_owned())),
            Fate::Failed => Err(CallError::Failed("the carrier has failed".to_owned())),
            Fate::Lost => std::future::pending().await,
            Fate::AnswerLost => {
                drop(happens.await);
                std::future::pending().await
            }
        }
    }
}

/// Has the rounds look at a booking once it is decided, or once nobody waits for that any more. Visits are decided after
/// the bookings they are about, because the room takes commands in order.
struct Visited<'a>(&'a Sandbox, &'a str);

impl Drop for Visited<'_> {
    fn drop(&mut self) {
        self.0.visit(self.1);
    }
}
