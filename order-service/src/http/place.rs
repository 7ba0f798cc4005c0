use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use saga::{IdempotentRequest, Replied};
use serde::Deserialize;
use uuid::Uuid;
use web::{Caller, CommandReply, FieldError, Keyed, Problem, RequestTrace};

use super::{ADMIN, Service, WRITE, body::NewOrder};
use crate::{
    domain::{OrderReceipt, Violation, violations},
    store::queries,
};

/// Seconds after which it may be tried again.
const LATER: u32 = 2;

/// Takes an order.
///
/// The answer comes as soon as the order is stored; its fate is decided afterwards and can be followed.
#[utoipa::path(post, path = "/api/v1/orders", tag = "Orders",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible characters, fresh for each intention")),
    request_body = NewOrder,
    responses((status = 202, body = OrderReceipt, headers(
                  ("Location" = String, description = "the order"),
                  ("traceparent" = String, description = "the trace everything about the order belongs to"),
                  ("Idempotency-Replayed" = String, description = "`true`: the answer to an earlier request with this key"))),
              (status = 400, body = Problem, content_type = "application/problem+json"),
              (status = 409, body = Problem, content_type = "application/problem+json"),
              (status = 413, body = Problem, content_type = "application/problem+json"),
              (status = 422, body = Problem, content_type = "application/problem+json"),
              (status = 429, body = Problem, content_type = "application/problem+json"),
              (status = 503, body = Problem, content_type = "application/problem+json")))]
pub async fn place(
    caller: Caller,
    State(service): State<Service>,
    RequestTrace(trace): RequestTrace,
    Keyed { key, hash, body: mut order }: Keyed<NewOrder>,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    if !service.app.admits() {
        return Err(Problem::overloaded(LATER));
    }
    order.customer_id = order.customer_id.or(caller.customer());
    if order.customer_id.is_some_and(|customer| caller.customer().is_some_and(|caller| caller != customer)) {
        caller.require(ADMIN)?;
    }
    let mut checks = order.check();
    if !checks.is_empty() {
        // Violations of the catalogue are reported together with the others.
        let (currency, items) = (order.currency(), order.wanted());
        let ids = items.iter().map(|item| item.product_id).collect();
        let products = queries::products(service.app.db(), ids).await.map_err(Problem::unavailable)?;
        for violation in violations(&items, currency, |id| products.get(id)) {
            checks.push(violation.into());
        }
        checks.finish()?;
    }
    let order_id = service.app.new_id();
    let command = order.command(order_id).expect("it has passed the checks");
    let once = IdempotentRequest { key: format!("{}|orders|{}", caller.scope_key(), key.as_str()), hash };
    let placed = service.app.execute_once(command, once, trace).await;
    accepted(order_id, placed.map_err(|refused| Problem::rejected(refused, invalid))?)
}

fn invalid(violations: Vec<Violation>) -> Problem {
    Problem::validation(violations.into_iter().map(FieldError::from).collect())
}

impl From<Violation> for FieldError {
    fn from(violation: Violation) -> Self {
        match violation {
            Violation::UnknownProduct { index } => {
                Self::new(format!("items[{index}].productId"), "unknown_product", "there is no such product")
            }
            Violation::CurrencyMismatch { index, sold_in } => {
                Self::new("currency", "currency_mismatch", format!("items[{index}] is sold in {sold_in}"))
            }
            Violation::PriceChanged { index, price, currency } => {
                let message = format!("is {price} {currency} now");
                Self::new(format!("items[{index}].price"), "price_changed", message)
            }
            Violation::TotalOutOfRange => Self::new("items", "out_of_range", "the total is more than can be counted"),
        }
    }
}

fn accepted(placed: Uuid, replied: Replied) -> Result<Response, Problem> {
    let order_id = if replied.replayed { first_order(&replied.json)? } else { placed };
    let location = HeaderValue::try_from(format!("/api/v1/orders/{order_id}")).map_err(Problem::internal)?;
    let location: [(HeaderName, HeaderValue); 1] = [(header::LOCATION, location)];
    Ok((StatusCode::ACCEPTED, location, CommandReply(replied)).into_response())
}

/// Which order the key was used for.
fn first_order(answer: &str) -> Result<Uuid, Problem> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct First {
        order_id: Uuid,
    }
    serde_json::from_str(answer).map(|First { order_id }| order_id).map_err(Problem::internal)
}
