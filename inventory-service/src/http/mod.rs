//! The HTTP API of this service.

mod movements;
mod products;
mod reservations;

use axum::http::StatusCode;
use saga::App;
use web::{OpenApiRouter, Problem, ProblemType, Scope, routes};

use crate::domain::StockRefusal;

/// Sees products and stock.
pub const READ: Scope = Scope("inventory.read");
/// Changes products and stock.
pub const WRITE: Scope = Scope("inventory.write");

/// All routes of the service.
pub fn routes(app: App) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(products::list))
        .routes(routes!(products::get, products::put))
        .routes(routes!(products::adjust))
        .routes(routes!(movements::list))
        .routes(routes!(reservations::list))
        .with_state(app)
}

/// The problems only this service has.
pub const PROBLEMS: &[&ProblemType] = &[&INSUFFICIENT_STOCK, &CURRENCY_FIXED, &SKU_TAKEN];

pub static INSUFFICIENT_STOCK: ProblemType = ProblemType::new(
    "insufficient-stock",
    StatusCode::CONFLICT,
    "Not enough stock",
    "The change would leave fewer than no units. Nothing was changed; the answer says how many are available.",
);
pub static CURRENCY_FIXED: ProblemType = ProblemType::new(
    "currency-fixed",
    StatusCode::CONFLICT,
    "The currency cannot change",
    "A product keeps the currency it was created with, because orders refer to its price. Create another product instead.",
);
pub static SKU_TAKEN: ProblemType = ProblemType::new(
    "sku-taken",
    StatusCode::CONFLICT,
    "The SKU is in use",
    "Another product has this SKU. Every product has one of its own.",
);

/// The problem for a refusal of the domain.
#[expect(clippy::needless_pass_by_value, reason = "it is what `Problem::refused` hands on")]
fn refusal(refusal: StockRefusal) -> Problem {
    match refusal {
        StockRefusal::NoSuchProduct => Problem::not_found(),
        StockRefusal::Changed(version) => Problem::precondition_failed().detail(match version {
            Some(version) => format!("the current version is {version}"),
            None => "there is no such product yet".to_owned(),
        }),
        StockRefusal::CurrencyFixed(currency) => {
            Problem::new(&CURRENCY_FIXED).detail(format!("the product is sold in {currency}"))
        }
        StockRefusal::SkuTaken => Problem::new(&SKU_TAKEN),
        StockRefusal::NotEnough(available) => {
            Problem::new(&INSUFFICIENT_STOCK).detail(format!("only {available} are available"))
        }
        StockRefusal::TooMany => Problem::validation(vec![web::FieldError::new(
            "quantity",
            "out_of_range",
            "the product would have more units than can be counted",
        )]),
    }
}
