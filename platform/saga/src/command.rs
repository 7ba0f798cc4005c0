use std::any::Any;

use serde::{Serialize, de::DeserializeOwned};
use telemetry::Trace;
use uuid::Uuid;

use crate::{Participant, Verdict};

/// A request of a caller that waits for its answer. It is an input of its participant like any other.
pub trait Command: Sized + Send + 'static {
    type Participant: Participant<Input: From<Self>>;
    /// What the caller gets when it is done. An idempotent repeat is answered with the same JSON, byte for byte.
    type Reply: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Why the business refuses. Nothing has changed then.
    type Refusal: Send + Sync + 'static;

    /// The aggregate it is about.
    fn key(&self) -> Uuid;
}

/// A command's answer, `Result<C::Reply, C::Refusal>`, with its type erased.
#[derive(Debug)]
pub struct Answer {
    answer: Box<dyn Any + Send + Sync>,
    json: fn(&(dyn Any + Send + Sync)) -> Option<String>,
}

/// Answers a command. The first argument only fixes the types.
pub fn answer<C: Command>(_: &C, answer: Result<C::Reply, C::Refusal>) -> Verdict {
    Verdict::Answered(Answer { answer: Box::new(answer), json: reply_json::<C> })
}

fn reply_json<C: Command>(answer: &(dyn Any + Send + Sync)) -> Option<String> {
    let answer = answer.downcast_ref::<Result<C::Reply, C::Refusal>>()?;
    answer.as_ref().ok().map(|reply| serde_json::to_string(reply).expect("replies are plain data"))
}

impl Answer {
    /// The answer to a `C`; `None` when the participant has answered another command.
    pub fn to<C: Command>(self) -> Option<Result<C::Reply, C::Refusal>> {
        self.answer.downcast().ok().map(|answer| *answer)
    }

    /// The reply as JSON; `None` for a refusal.
    pub(crate) fn json(&self) -> Option<String> {
        (self.json)(&*self.answer)
    }
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Rejected<R> {
    /// The business refuses; nothing has changed.
    #[error("refused")]
    Refused(R),
    /// The idempotency key was used for a request with another body.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// A request with this idempotency key is being processed.
    #[error("a request with this idempotency key is in progress")]
    InProgress,
    /// The service is too far behind to accept more.
    #[error("overloaded")]
    Overloaded,
    /// The command failed, or the service shuts down: nothing has changed.
    #[error("failed")]
    Failed,
}

/// What a repeated command is recognised by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// Caller, route and `Idempotency-Key`, in one text.
    pub key: String,
    /// SHA-256 of the body.
    pub hash: [u8; 32],
}

/// The reply to an idempotent command, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replied {
    pub json: String,
    /// The command had been answered before, with this reply.
    pub replayed: bool,
}

/// What comes with a command besides itself.
#[derive(Debug, Clone, Default)]
pub struct CommandContext {
    pub trace: Trace,
    pub request: Option<IdempotentRequest>,
}
