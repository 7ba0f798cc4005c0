use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use saga::{IdempotentRequest, Replied};
use web::{Caller, CommandReply, FieldError, Keyed, Problem, RequestTrace};

use super::{
    ADMIN, Service, WRITE,
    body::NewOrder,
    views::{self, ReceiptView},
};
use crate::{
    domain::{OrderReceipt, Violation, violations},
    queries,
};

/// Seconds, for `Retry-After`.
const RETRY_AFTER: u32 = 2;

/// Places an order.
///
/// The response is sent as soon as the order is stored. Stock and payment are processed afterwards; `links` of the response
/// lead to the progress.
#[utoipa::path(post, path = "/api/v1/orders", tag = "Orders",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible characters, a new key for each order")),
    request_body = NewOrder,
    responses((status = 202, body = ReceiptView, headers(
                  ("Location" = String, description = "the order"),
                  ("traceparent" = String, description = "the trace of everything about the order"),
                  ("Idempotency-Replayed" = String, description = "`true`: the reply to an earlier request with this key"))),
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
        return Err(Problem::overloaded(RETRY_AFTER));
    }
    order.customer_id = order.customer_id.or(caller.customer());
    if order.customer_id.is_some_and(|customer| caller.customer().is_some_and(|caller| caller != customer)) {
        caller.require(ADMIN)?;
    }
    let mut checks = order.check();
    if !checks.is_empty() {
        // Violations of the catalogue are reported together with the others.
        let (currency, items) = (order.currency(), order.requested());
        let ids = items.iter().map(|item| item.product_id).collect();
        let products = queries::products(service.app.db(), ids).await.map_err(Problem::unavailable)?;
        for violation in violations(&items, currency, |id| products.get(id)) {
            checks.push(violation.into());
        }
        checks.finish()?;
    }
    let order_id = service.app.new_id();
    let command = order.command(order_id).expect("the checks passed");
    let once = IdempotentRequest { key: format!("{}|orders|{}", caller.scope_key(), key.as_str()), hash };
    let placed = service.app.execute_once(command, once, trace).await;
    accepted(placed.map_err(|refused| Problem::rejected(refused, invalid))?)
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
            Violation::TotalOutOfRange => Self::new("items", "out_of_range", "the total is too large"),
        }
    }
}

/// The response with the order that the key belongs to, new or earlier.
fn accepted(Replied { json, replayed }: Replied) -> Result<Response, Problem> {
    let receipt: OrderReceipt = serde_json::from_str(&json).map_err(Problem::internal)?;
    let location = HeaderValue::try_from(views::path(receipt.order_id)).map_err(Problem::internal)?;
    let location: [(HeaderName, HeaderValue); 1] = [(header::LOCATION, location)];
    let json = serde_json::to_string(&ReceiptView::from(receipt)).map_err(Problem::internal)?;
    Ok((StatusCode::ACCEPTED, location, CommandReply(Replied { json, replayed })).into_response())
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    const REPLY: &str = r#"{"orderId":"00000000-0000-0000-0000-000000000009","status":"PENDING","statusText":"Order Placed","version":1,"currency":"EUR","totalAmount":"59.90","createdAt":"2026-09-21T14:13:20.000Z""#;
    const LINKS: &str = r#","links":{"self":"/api/v1/orders/00000000-0000-0000-0000-000000000009","status":"/api/v1/orders/00000000-0000-0000-0000-000000000009/status","history":"/api/v1/orders/00000000-0000-0000-0000-000000000009/history","events":"/api/v1/orders/00000000-0000-0000-0000-000000000009/events","cancellation":"/api/v1/orders/00000000-0000-0000-0000-000000000009/cancellation"}"#;

    /// Earlier releases stored the reply with its links.
    #[tokio::test]
    async fn every_stored_reply_leads_to_the_same_response() {
        let response = format!("{REPLY}{LINKS}}}");
        for json in [format!("{REPLY}}}"), response.clone()] {
            let replied = accepted(Replied { json, replayed: true }).unwrap();
            assert_eq!(replied.headers()[header::LOCATION], "/api/v1/orders/00000000-0000-0000-0000-000000000009");
            assert_eq!(to_bytes(replied.into_body(), usize::MAX).await.unwrap(), response);
        }
    }
}
