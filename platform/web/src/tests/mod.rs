//! Tests of `HttpApp` through its HTTP interface.

use std::{future::pending, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, Request, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa::ToSchema;
use uuid::Uuid;

use super::*;
use tokio_util::sync::CancellationToken;

mod app;
mod extractors;
mod serving;

/// A response, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Asserts a problem document and returns it.
    fn problem(&self, status: u16, slug: &str) -> Value {
        assert_eq!(
            (self.status.as_u16(), self.header("content-type")),
            (status, Some("application/problem+json")),
            "{}",
            self.text()
        );
        let document = self.json();
        assert_eq!(document["type"], format!("/problems/{slug}"));
        assert_eq!(document["status"], status);
        assert!(document["title"].is_string());
        document
    }

    /// The only field of a problem, with its code.
    fn field(document: &Value) -> (String, String) {
        let errors = document["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{document}");
        let text = |key: &str| errors[0][key].as_str().unwrap().to_owned();
        (text("field"), text("code"))
    }
}

async fn read(response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, 10_000_000).await.unwrap().to_vec() }
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    read(router.clone().oneshot(request).await.unwrap()).await
}

async fn fetch(router: &Router, path: &str) -> Answer {
    send(router, Request::get(path).body(Body::empty()).unwrap()).await
}

fn post_json(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).header("content-type", "application/json").body(body.into()).unwrap()
}

static TOO_COLD: ProblemType =
    ProblemType::new("too-cold", StatusCode::CONFLICT, "It is too cold", "Wait for `summer`.");
const COLD: Scope = Scope("cold.write");

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Order {
    note: String,
    items: Vec<Item>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Item {
    quantity: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderFilter {
    status: Option<String>,
    customer: Option<Uuid>,
}

/// Takes an order.
#[utoipa::path(post, path = "/orders", request_body = Order, responses((status = 200, body = Order),
    (status = 400, body = Problem, content_type = "application/problem+json")))]
async fn place(caller: Caller, Json(order): Json<Order>) -> Result<Json<Order>, Problem> {
    caller.require(COLD)?;
    let mut checks = Checks::new();
    checks.text("note", &order.note, 1..=10);
    for (index, item) in order.items.iter().enumerate() {
        checks.range(format!("items[{index}].quantity"), item.quantity, 1..=10);
    }
    checks.finish()?;
    Ok(Json(order))
}

fn things() -> OpenApiRouter<u32> {
    OpenApiRouter::default()
        .routes(routes!(place))
        .route("/keyed", post(async |keyed: Keyed<Order>| {
            Json(json!({ "key": keyed.key.as_str(), "hash": format!("{:02x?}", keyed.hash), "note": keyed.body.note }))
        }))
        .route("/key", post(async |key: IdempotencyKey| key.into_string()))
        .route("/things/{id}", get(async |Path(id): Path<Uuid>| id.to_string()))
        .route("/pairs/{id}/{number}", get(async |Path((id, number)): Path<(Uuid, u32)>| format!("{id} {number}")))
        .route("/search", get(async |Query(f): Query<OrderFilter>| format!("{:?} {:?}", f.status, f.customer)))
        .route("/list", get(async |paged: Paged<OrderFilter>| -> Result<Page<u64>, Problem> {
            let after = paged.page.after::<u64>()?.unwrap_or(0);
            let rows = (after + 1..=7).take(usize::try_from(paged.page.fetch()).unwrap()).collect();
            Ok(Page::cut(rows, &paged.page, |last| *last))
        }))
        .route("/plain-list", get(async |paged: Paged| paged.page.limit.to_string()))
        .route("/version", get(async |seen: IfNoneMatch| seen.answer(7, "seven")))
        .route("/version", axum::routing::put(async |wanted: IfMatch| wanted.check(Some(7))))
        .route("/state", get(async |axum::extract::State(state): axum::extract::State<u32>| state.to_string()))
        .route("/trace", get(async |RequestTrace(trace): RequestTrace| trace.to_string()))
        .route("/cold", get(async || Problem::new(&TOO_COLD).detail("-12 °C").with("degrees", -12)))
        .route("/busy", post(async || Problem::overloaded(3)))
        .route("/bug", get(async || Problem::internal("the secret cause")))
        .route("/panic", get(async || -> &'static str { panic!("the secret panic") }))
        .route("/slow", get(pending::<&'static str>))
        .route("/secret", get(async || Problem::forbidden(COLD)))
        .route("/stranger", get(async || Problem::unauthorized()))
        .route("/live", get(async |live: Live| {
            let messages = futures_util::stream::iter([Message::json("status", &json!({ "version": 1 })).id(1)]);
            live.send(futures_util::StreamExt::chain(messages, futures_util::stream::pending()))
        }))
}

fn app() -> HttpApp {
    HttpApp::new("Test", "1.2.3").service("thing-service", things(), 42, &[&TOO_COLD])
}

fn router() -> Router {
    app().router()
}
