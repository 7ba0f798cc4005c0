//! The HTTP API of this service.

mod payments;
mod refunds;

use axum::http::StatusCode;
use saga::App;
use web::{OpenApiRouter, ProblemType, Scope, routes};

/// Reads payments.
pub const READ: Scope = Scope("orders.read");
/// Requests refunds.
pub const ADMIN: Scope = Scope("orders.admin");

/// All routes of the service.
pub fn routes(app: App) -> OpenApiRouter {
    OpenApiRouter::default().routes(routes!(payments::get)).routes(routes!(refunds::post)).with_state(app)
}

/// The problem types of this service.
pub const PROBLEMS: &[&ProblemType] = &[&CANCEL_INSTEAD, &REFUND_EXCEEDS_CHARGE];

pub static CANCEL_INSTEAD: ProblemType = ProblemType::new(
    "cancel-instead",
    StatusCode::CONFLICT,
    "Cancel the order instead",
    "The refund would leave nothing paid of an order that has not been shipped. Cancel the order: what is left of the charge is then refunded, and nothing is shipped.",
);
pub static REFUND_EXCEEDS_CHARGE: ProblemType = ProblemType::new(
    "refund-exceeds-charge",
    StatusCode::CONFLICT,
    "More than is left of the charge",
    "No more can be refunded than was charged, less earlier refunds. `left` is the amount that can be refunded; it is 0.00 while nothing has been charged.",
);
