//! What this service offers over HTTP.

mod payments;
mod refunds;

use axum::http::StatusCode;
use saga::App;
use web::{OpenApiRouter, ProblemType, Scope, routes};

/// Sees payments.
pub const READ: Scope = Scope("orders.read");
/// Orders refunds.
pub const ADMIN: Scope = Scope("orders.admin");

/// All routes of the service.
pub fn routes(app: App) -> OpenApiRouter {
    OpenApiRouter::default().routes(routes!(payments::get)).routes(routes!(refunds::post)).with_state(app)
}

/// The problems only this service has.
pub const PROBLEMS: &[&ProblemType] = &[&CANCEL_INSTEAD, &REFUND_EXCEEDS_CHARGE];

pub static CANCEL_INSTEAD: ProblemType = ProblemType::new(
    "cancel-instead",
    StatusCode::CONFLICT,
    "Cancel the order instead",
    "The refund would leave nothing paid of an order that has not been shipped. Cancel the order: what is left is then refunded, and the parcel stays.",
);
pub static REFUND_EXCEEDS_CHARGE: ProblemType = ProblemType::new(
    "refund-exceeds-charge",
    StatusCode::CONFLICT,
    "More than is left of the charge",
    "No more can be refunded than was charged, less earlier refunds. `left` says how much that is; it is 0.00 while nothing has been charged.",
);
