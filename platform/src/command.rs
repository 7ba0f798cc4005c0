use std::any::Any;

use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{Participant, Trace, Verdict};

/// A request from outside that waits for its answer. It enters its room as an input like any other.
pub trait Command: Sized + Send + 'static {
    type Room: Participant<Input: From<Self>>;
    /// What the caller is told when it is done. Its JSON is what an idempotent repeat is answered with, byte for byte.
    type Reply: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Why the business says no. Nothing has changed then.
    type Refusal: Send + Sync + 'static;

    /// The aggregate it is about.
    fn key(&self) -> Uuid;
}

/// A command's answer on its way to the caller: `Result<C::Reply, C::Refusal>`, its type forgotten for the journey.
#[derive(Debug)]
pub struct Answer {
    answer: Box<dyn Any + Send + Sync>,
    json: fn(&(dyn Any + Send + Sync)) -> Option<String>,
}

/// Gives a command its answer. The first argument only fixes the types.
pub fn answer<C: Command>(_: &C, answer: Result<C::Reply, C::Refusal>) -> Verdict {
    Verdict::Answered(Answer { answer: Box::new(answer), json: reply_json::<C> })
}

fn reply_json<C: Command>(answer: &(dyn Any + Send + Sync)) -> Option<String> {
    let answer = answer.downcast_ref::<Result<C::Reply, C::Refusal>>()?;
    answer.as_ref().ok().map(|reply| serde_json::to_string(reply).expect("replies are plain data"))
}

impl Answer {
    /// The answer to a `C`; `None` when the room has answered something else.
    pub fn to<C: Command>(self) -> Option<Result<C::Reply, C::Refusal>> {
        self.answer.downcast().ok().map(|answer| *answer)
    }

    /// The reply as JSON; `None` for a refusal.
    pub(crate) fn json(&self) -> Option<String> {
        (self.json)(&*self.answer)
    }
}

/// Why a caller did not get what it asked for.
#[derive(Debug, thiserror::Error)]
pub enum Refused<R> {
    /// The business says no; nothing has changed.
    #[error("refused")]
    By(R),
    /// The same idempotency key came with another body before.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// A request with this idempotency key is being worked on.
    #[error("a request with this idempotency key is in progress")]
    InProgress,
    /// The service is too far behind to accept more.
    #[error("overloaded")]
    Overloaded,
    /// The command has failed, or the service is going down: nothing has changed.
    #[error("failed")]
    Failed,
}

/// What makes a repeated command recognisable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Caller, route and `Idempotency-Key`, in one text.
    pub key: String,
    /// SHA-256 of the body.
    pub hash: [u8; 32],
}

/// The answer to a command that was asked for once: its reply as JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replied {
    pub json: String,
    /// It had been answered before, and this is what was said then.
    pub replayed: bool,
}

/// What comes with a command besides itself.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub trace: Trace,
    pub once: Option<Once>,
}
