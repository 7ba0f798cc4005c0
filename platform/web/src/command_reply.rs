//! Turns the reply or the rejection of a command into a response.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use saga::{Rejected, Replied};

use super::{Problem, idempotency::IDEMPOTENCY_REPLAYED};

/// The reply to an idempotent command: its JSON, and whether it is a stored reply to an earlier request
/// (`Idempotency-Replayed: true`).
#[derive(Debug)]
pub struct CommandReply(pub Replied);

impl IntoResponse for CommandReply {
    fn into_response(self) -> Response {
        let mut response = ([(header::CONTENT_TYPE, "application/json")], self.0.json).into_response();
        if self.0.replayed {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

impl Problem {
    /// The problem of a rejected command. `refusal` maps the service's own refusals.
    pub fn rejected<R>(rejected: Rejected<R>, refusal: impl FnOnce(R) -> Self) -> Self {
        match rejected {
            Rejected::Refused(reason) => refusal(reason),
            Rejected::KeyReused => Self::idempotency_key_reused(),
            Rejected::InProgress => Self::request_in_progress(),
            Rejected::Overloaded => Self::overloaded(1),
            Rejected::Failed => Self::unavailable("the command could not be decided"),
        }
    }
}
