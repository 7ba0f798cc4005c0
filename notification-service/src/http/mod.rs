//! The HTTP API of this service.

mod notifications;
mod preferences;

use axum::http::StatusCode;
use saga::App;
use web::{OpenApiRouter, Problem, ProblemType, Scope, routes};

use crate::domain::ResendRefusal;

/// Reads messages and the preferences of customers.
pub const READ: Scope = Scope("notifications.read");
/// Sends messages again, and changes the preferences of customers.
pub const WRITE: Scope = Scope("notifications.write");

/// All routes of the service.
pub fn routes(app: App) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::resend))
        .routes(routes!(preferences::get, preferences::put))
        .with_state(app)
}

/// The problems only this service has.
pub const PROBLEMS: &[&ProblemType] = &[&NOTIFICATION_PENDING, &CHANNEL_SWITCHED_OFF];

pub static NOTIFICATION_PENDING: ProblemType = ProblemType::new(
    "notification-pending",
    StatusCode::CONFLICT,
    "The message is being sent",
    "It has not been sent yet, or is being tried again. Once it is `SENT` or `FAILED` it can be sent again.",
);
pub static CHANNEL_SWITCHED_OFF: ProblemType = ProblemType::new(
    "channel-switched-off",
    StatusCode::CONFLICT,
    "The customer does not want such messages",
    "The customer's preferences say no to this channel. Messages about contract or money go by e-mail all the same.",
);

/// The problem for a refusal of the domain.
fn refusal(refusal: ResendRefusal) -> Problem {
    match refusal {
        ResendRefusal::NotFound => Problem::not_found(),
        ResendRefusal::Pending => Problem::new(&NOTIFICATION_PENDING),
        ResendRefusal::SwitchedOff => Problem::new(&CHANNEL_SWITCHED_OFF),
    }
}
