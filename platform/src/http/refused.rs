//! What a command's caller is told when there is no answer.

use super::Problem;
use crate::Refused;

impl Problem {
    /// The problem for a refused command; `by` says what the business's own refusals look like.
    pub fn refused<R>(refused: Refused<R>, by: impl FnOnce(R) -> Self) -> Self {
        match refused {
            Refused::By(refusal) => by(refusal),
            Refused::KeyReused => Self::idempotency_key_reused(),
            Refused::InProgress => Self::request_in_progress(),
            Refused::Overloaded => Self::overloaded(1),
            Refused::Failed => Self::unavailable("the command could not be decided"),
        }
    }
}
