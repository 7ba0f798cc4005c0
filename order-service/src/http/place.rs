use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use saga::{IdempotentRequest, Replied};
use serde::Deserialize;
use uuid::Uuid;
use web::{Caller, CommandReply, Keyed, Problem, RequestTrace};

use super::{ADMIN, Service, WRITE, body::NewOrder};
use crate::{
    domain::{OrderReceipt, objections},
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
        // What the catalogue has against it is told along with the rest.
        let (currency, items) = (order.currency(), order.wanted());
        let ids = items.iter().map(|item| item.product_id).collect();
        let products = queries::products(service.app.db(), ids).await.map_err(Problem::unavailable)?;
        for objection in objections(&items, currency, |id| products.get(id)) {
            checks.push(objection);
        }
        checks.finish()?;
    }
    let order_id = service.app.new_id();
    let command = order.command(order_id).expect("it has passed the checks");
    let once = IdempotentRequest { key: format!("{}|orders|{}", caller.scope_key(), key.as_str()), hash };
    let placed = service.app.execute_once(command, once, trace).await;
    accepted(order_id, placed.map_err(|refused| Problem::rejected(refused, Problem::validation))?)
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
