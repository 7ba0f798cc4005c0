//! Calls to the carrier, with the faults that its behaviour asks for.

use std::{convert::Infallible, future::Future};

use saga::{App, CallError, Command, Rejected};
use telemetry::Trace;

use super::{Book, BookAnswer, BookingStatus, Cancel, CancelAnswer, Carrier, Fate, Find, SandboxCarrier};

impl Carrier {
    /// Books, once per key.
    pub async fn book(&self, book: Book) -> Result<BookAnswer, CallError> {
        let key = book.key.clone();
        self.call(async {
            // Dropped, too, when the caller stops waiting: the booking may have been made.
            let _schedule = ScheduleOnDrop(self, key);
            self.execute(book).await
        })
        .await
    }

    /// `None`: no booking has this key.
    pub async fn find(&self, find: Find) -> Result<Option<BookingStatus>, CallError> {
        self.call(self.execute(find)).await
    }

    pub async fn cancel(&self, cancel: Cancel) -> Result<CancelAnswer, CallError> {
        self.call(self.execute(cancel)).await
    }

    async fn execute<C>(&self, command: C) -> Result<C::Reply, CallError>
    where
        C: Command<Participant = SandboxCarrier, Refusal = Infallible>,
    {
        let app: &App = self.0.app.get().ok_or_else(|| CallError::Failed("the carrier does not run yet".to_owned()))?;
        app.execute(command, Trace::default()).await.map_err(|refused| match refused {
            Rejected::Overloaded => CallError::Failed("the carrier is overloaded".to_owned()),
            _ => CallError::Unknown("the carrier has hung up".to_owned()),
        })
    }

    async fn call<A: Send>(&self, effect: impl Future<Output = Result<A, CallError>> + Send) -> Result<A, CallError> {
        let behaviour = self.behaviour();
        let delay = behaviour.delay(rand::random());
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match behaviour.fate(rand::random()) {
            Fate::Answered => effect.await,
            Fate::Failed if behaviour.down => Err(CallError::Failed("the carrier is down".to_owned())),
            Fate::Failed => Err(CallError::Failed("the carrier has failed".to_owned())),
            Fate::Lost => std::future::pending().await,
            Fate::AnswerLost => {
                drop(effect.await);
                std::future::pending().await
            }
        }
    }
}

/// Schedules the pick-up of a booking. The participant takes commands in their order, so the
/// pick-up is decided after the booking.
struct ScheduleOnDrop<'a>(&'a Carrier, String);

impl Drop for ScheduleOnDrop<'_> {
    fn drop(&mut self) {
        drop(self.0.0.booked.send(self.1.clone())); // without a scheduler: found at the next start
    }
}
